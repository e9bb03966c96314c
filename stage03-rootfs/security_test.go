package rootfs

import (
	"os"
	"testing"

	"cooper/stage01-namespaces/notrace"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

func TestSecurityOptionsAreReadAsDockerWritesThem(t *testing.T) {
	for _, c := range []struct {
		options []string
		want    func(*Spec)
	}{
		{nil, func(*Spec) {}},
		{[]string{"no-new-privileges"}, func(s *Spec) { s.NoNewPrivileges = true }},
		{[]string{"no-new-privileges:true"}, func(s *Spec) { s.NoNewPrivileges = true }},
		{[]string{"no-new-privileges=true", "no-new-privileges=false"}, func(*Spec) {}},
		{[]string{"apparmor=web"}, func(s *Spec) { s.ApparmorProfile = "web" }},
		{[]string{"apparmor:web"}, func(s *Spec) { s.ApparmorProfile = "web" }},
		{[]string{"apparmor=web", "apparmor=unconfined"}, func(*Spec) {}},
		{[]string{"label=type:spc_t"}, func(s *Spec) {
			s.SelinuxLabel, s.MountLabel = "system_u:system_r:spc_t:s0", "system_u:object_r:container_file_t:s0"
		}},
		{[]string{"label=user:u", "label:role:r", "label=level:s0:c1,c2"}, func(s *Spec) {
			s.SelinuxLabel, s.MountLabel = "u:r:container_t:s0:c1,c2", "system_u:object_r:container_file_t:s0:c1,c2"
		}},
		{[]string{"label=level:s1", "label=disable"}, func(*Spec) {}},
		{[]string{"systempaths=unconfined"}, func(s *Spec) { s.MaskedPaths, s.ReadonlyPaths = nil, nil }},
	} {
		got, want := valid(), valid()
		want.ID = got.ID
		require.NoError(t, got.Secure(c.options), "%v", c.options)
		c.want(want)
		require.Equal(t, want, got, "%v", c.options)
	}
}

func TestASecurityOptionThatMeansNothingIsRefused(t *testing.T) {
	for option, reason := range map[string]string{
		"":                       "write KEY=VALUE",
		"apparmor":               "write KEY=VALUE",
		"frob=1":                 "unknown key",
		"no-new-privileges=yes":  "use true or false",
		"systempaths=masked":     "use unconfined",
		"label=colour:red":       "use disable, user:U",
		"label=type:":            "use disable, user:U",
		"label=type:a:b":         "use disable, user:U",
		"label=disable:x":        "use disable, user:U",
		"No-New-Privileges=true": "unknown key",
	} {
		require.ErrorContains(t, valid().Secure([]string{option}), reason, "%q", option)
	}
	s := valid()
	s.ApparmorProfile = "a\nexec b"
	require.ErrorContains(t, s.Validate(), "control character")
}

// A wall that was asked for and isn't there is an error, whatever the host has.
func TestALabelThatTheKernelCanNotGiveIsAnError(t *testing.T) {
	notrace.Check(t)
	s := box(t, "true")
	s.ApparmorProfile = "cooper-no-such-profile"
	err := refused(t, s)
	require.ErrorIs(t, err, unix.ENOENT)
	if hasAppArmor() {
		require.ErrorContains(t, err, "rootfs/apparmor: apparmor profile \"cooper-no-such-profile\": it isn't loaded")
	} else {
		require.ErrorContains(t, err, "rootfs/apparmor: apparmor profile \"cooper-no-such-profile\": this kernel doesn't have AppArmor")
	}
	if _, err := os.Stat("/sys/fs/selinux/enforce"); err == nil {
		return // there the policy decides
	}
	s = box(t, "true")
	require.NoError(t, s.Secure([]string{"label=level:s0:c1,c2"}))
	require.Error(t, refused(t, s))
}

func hasAppArmor() bool {
	enabled, err := os.ReadFile("/sys/module/apparmor/parameters/enabled")
	return err == nil && string(enabled) == "Y\n"
}

// S11: a label is written to the kernel's own file or not at all.
func TestNoLabelWithoutAProcOfOurs(t *testing.T) {
	notrace.Check(t)
	s := box(t, "true")
	s.Mounts, s.MaskedPaths, s.ReadonlyPaths, s.Sysctl = nil, nil, nil, nil
	s.Namespaces = s.Namespaces[:0:0]
	for _, ns := range Defaults().Namespaces {
		if ns.Kind != "network" { // its sysctls need /proc as well
			s.Namespaces = append(s.Namespaces, ns)
		}
	}
	s.ApparmorProfile = "web"
	require.NoError(t, os.MkdirAll(s.Rootfs+"/proc/thread-self/attr/apparmor", 0o755))
	require.NoError(t, os.WriteFile(s.Rootfs+"/proc/thread-self/attr/apparmor/exec", nil, 0o666))
	require.ErrorContains(t, refused(t, s), "no procfs is mounted there")
	require.Empty(t, readFile(t, s.Rootfs+"/proc/thread-self/attr/apparmor/exec"))
}

func TestTheSharedLabelHasNoCategories(t *testing.T) {
	for label, want := range map[string]string{
		"system_u:object_r:container_file_t:s0:c1,c2": "system_u:object_r:container_file_t:s0",
		"system_u:object_r:container_file_t:s0":       "system_u:object_r:container_file_t:s0",
		"odd":                                         "odd",
		"":                                            "",
	} {
		require.Equal(t, want, sharedLabel(label))
	}
}
