package cgroups

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
)

// The hugetlb controller: pages of 2 MB or 1 GB that the administrator set
// aside, and that mmap(2) hands out with MAP_HUGETLB. They aren't the memory
// controller's business.
//
//	                version 2               version 1
//	HugepageLimits  hugetlb.2MB.max         hugetlb.2MB.limit_in_bytes
//	                hugetlb.2MB.rsvd.max    hugetlb.2MB.rsvd.limit_in_bytes
//
// The first is what is used, and who goes beyond it gets SIGBUS at some access.
// The second (Linux 5.7) is what is promised, and mmap itself says ENOMEM. It
// is set too, for a program can deal with that.

// HugepageLimit is how many bytes a group may have in pages of one size, which
// is written as the kernel writes it: "64KB", "2MB", "1GB".
type HugepageLimit struct {
	Pagesize string `json:"pageSize"`
	Limit    uint64 `json:"limit"`
}

// validateHugetlb checks a page size, which becomes a part of a file's name.
func (l Limits) validateHugetlb() error {
	if len(l.HugepageLimits) == 0 {
		return nil
	}
	size := regexp.MustCompile(`^[1-9][0-9]{0,3}[KMG]B$`)
	for _, h := range l.HugepageLimits {
		if !size.MatchString(h.Pagesize) {
			return fmt.Errorf("huge page size %q: write it as 2MB or 1GB", h.Pagesize)
		}
	}
	return nil
}

func limitHugetlb(dir string, version int, limits []HugepageLimit) error {
	file := "limit_in_bytes"
	if version == 2 {
		file = "max"
	}
	for _, h := range limits {
		limit := strconv.FormatUint(h.Limit, 10)
		if err := write(dir, "hugetlb."+h.Pagesize+"."+file, limit); err != nil {
			return fmt.Errorf("%w (see /sys/kernel/mm/hugepages for the sizes that this machine has)", err)
		}
		if err := ifPresent(write(dir, "hugetlb."+h.Pagesize+".rsvd."+file, limit)); err != nil {
			return err
		}
	}
	return nil
}

// HugetlbStats is what a group has of huge pages of one size, in bytes.
type HugetlbStats struct {
	Pagesize string `json:"pageSize"`
	Usage    uint64 `json:"usage"`
	MaxUsage uint64 `json:"maxUsage"` // 0 in version 2, which keeps no count
	Limit    uint64 `json:"limit"`    // 0 is none
	Failures uint64 `json:"failures"` // how often the limit was hit
}

// hugetlbStats finds the page sizes by the names of the files.
func hugetlbStats(dir string, version int) ([]HugetlbStats, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	suffix, read := ".usage_in_bytes", (*HugetlbStats).read1
	if version == 2 {
		suffix, read = ".current", (*HugetlbStats).read2
	}
	var stats []HugetlbStats
	for _, entry := range entries {
		size, found := strings.CutSuffix(strings.TrimPrefix(entry.Name(), "hugetlb."), suffix)
		if !found || !strings.HasPrefix(entry.Name(), "hugetlb.") || strings.Contains(size, ".") {
			continue
		}
		h := HugetlbStats{Pagesize: size}
		if err := read(&h, dir); err != nil {
			return nil, err
		}
		stats = append(stats, h)
	}
	return stats, nil
}

// read1 adds up how often both limits were hit; most reach that of the promises
// first.
func (h *HugetlbStats) read1(dir string) error {
	prefix := "hugetlb." + h.Pagesize
	var promises uint64
	err := errors.Join(
		readInto(&h.Usage, dir, prefix+".usage_in_bytes"),
		readInto(&h.MaxUsage, dir, prefix+".max_usage_in_bytes"),
		readInto(&h.Limit, dir, prefix+".limit_in_bytes"),
		readInto(&h.Failures, dir, prefix+".failcnt"),
		ifPresent(readInto(&promises, dir, prefix+".rsvd.failcnt")))
	h.Failures += promises
	return err
}

func (h *HugetlbStats) read2(dir string) error {
	prefix := "hugetlb." + h.Pagesize
	events, err := readTable(dir, prefix+".events")
	h.Failures = events["max"]
	return errors.Join(err,
		readInto(&h.Usage, dir, prefix+".current"),
		readInto(&h.Limit, dir, prefix+".max"))
}
