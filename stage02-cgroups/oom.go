package cgroups

// OOMKills counts the group's processes that the OOM killer ended because of
// the memory limit, or with the machine out of memory. Read it before Remove.
func (g *Group) OOMKills() (uint64, error) {
	dir, present := g.dir("memory")
	if !present {
		return 0, nil
	}
	file := "memory.events"
	if g.version == 1 {
		file = "memory.oom_control" // has oom_kill since Linux 4.13
	}
	table, err := readTable(dir, file)
	return table["oom_kill"], ifPresent(err)
}
