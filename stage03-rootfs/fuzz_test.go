package rootfs

import (
	"path/filepath"
	"strings"
	"testing"
)

// What people and images write is read here; none of it may do more than be
// refused. Each target also states what must hold of what is accepted.

func FuzzLookUp(f *testing.F) {
	f.Add("alice:audio", "1000", somePasswd, someGroup)
	f.Add("4294967296", "audio", "x:x:4294967296:0", ":::")
	f.Fuzz(func(t *testing.T, user, extra, passwd, group string) {
		who, err := lookUp(user, []string{extra}, strings.NewReader(passwd), strings.NewReader(group))
		if err != nil {
			return
		}
		for _, id := range append(who.groups, who.uid, who.gid) {
			if id < 0 || id > maxID {
				t.Fatalf("%q is %v", user, who)
			}
		}
		if name, _, _ := strings.Cut(user, ":"); strings.Trim(name, "0") != "" && isNumber(name) && who.uid == 0 {
			t.Fatalf("%q became root", user)
		}
	})
}

func FuzzMountFlags(f *testing.F) {
	for _, value := range []string{
		"/a:/b:ro,z", "name:/b", "/b", "/t:size=1m,mode=700", "type=bind,src=/a,dst=/b,bind-propagation=rshared,ro",
		`type=tmpfs,"dst=/a,b",tmpfs-size=1m`, "type=bind,src=/a,dst=/b,idmap=uids=0-1-1;gids=0-1-1", "/a:/../proc", "/a:/b:idmap=uids=0-1-1;gids=0-1-1",
	} {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value string) {
		for _, parse := range []func(string) (Mount, error){ParseVolume, ParseMount, ParseTmpfs} {
			m, err := parse(value)
			if err != nil {
				continue
			}
			if !filepath.IsAbs(m.Destination) || m.Destination == "/" || inProc(m.Destination) && refuseProc(m, nil) != nil {
				t.Fatalf("%q is a mount on %q", value, m.Destination)
			}
			if m.Type == "volume" && m.Source != "" && strings.ContainsAny(m.Source, "/\x00") {
				t.Fatalf("%q is a volume called %q", value, m.Source)
			}
			if _, err := parseOptions(m.Options); err != nil {
				t.Fatalf("%q: %v", value, err)
			}
		}
	})
}

func FuzzProcessFlags(f *testing.F) {
	for _, value := range []string{"nofile=1024:2048", "core=-1", "/dev/fuse:/dev/x:rw", "/dev/null:r", "no-new-privileges:true", "label=type:a", "net.ipv4.ip_forward", "net/ipv4/conf/eth0.1/forwarding"} {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value string) {
		if limit, err := ParseUlimit(value); err == nil {
			if err := (&Spec{Rlimits: []Rlimit{limit}}).validateRlimits(); err != nil {
				t.Fatalf("%q: %v", value, err)
			}
		}
		if host, container, access, err := SplitDevice(value); err == nil {
			if !filepath.IsAbs(host) || !filepath.IsAbs(container) || !isAccess(access) || access == "" {
				t.Fatalf("%q is %q, %q, %q", value, host, container, access)
			}
		}
		_ = new(Spec).Secure([]string{value})
		if path, err := sysctlPath(value); err == nil {
			if _, allowed := sysctlKind(path); allowed && filepath.Join("/proc/sys", path) != "/proc/sys/"+path {
				t.Fatalf("%q is written to /proc/sys/%s", value, path)
			}
		}
	})
}

func FuzzMountinfo(f *testing.F) {
	f.Add(uint64(36), "36 35 98:0 /mnt1 /mnt2 rw,noatime shared:1 master:2 - ext3 /dev/root rw\n")
	f.Add(uint64(1), "1 1 0:1 / / rw - a b c")
	f.Fuzz(func(_ *testing.T, id uint64, text string) {
		_, _, _ = propagationOf(id, strings.NewReader(text))
	})
}
