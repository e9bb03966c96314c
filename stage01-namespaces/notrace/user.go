package notrace

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// user is who is no root, nor anybody else whom a machine needs.
const user = 1000

// patience is for a script that waits for a container which never begins.
const patience = time.Minute

// AsUser has an ordinary user type a script into a shell, in a home directory
// of its own, and returns all that it wrote. To this user the test binary is
// the given program: its TestMain must call main when that is its name.
//
// For root it is a Check, too. Who isn't root is the user, and can leave
// nothing behind but what the test itself has to look for.
func AsUser(t testing.TB, program, script string) string {
	t.Helper()
	credential := (*syscall.Credential)(nil)
	if os.Geteuid() == 0 {
		Check(t)
		credential = &syscall.Credential{Uid: user, Gid: user}
	}
	home, err := os.MkdirTemp("", "cooper-home-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(home)
	binary, err := os.ReadFile("/proc/self/exe")
	bin := filepath.Join(home, "bin")
	err = errors.Join(err, os.Mkdir(bin, 0o755), os.WriteFile(filepath.Join(bin, program), binary, 0o755))
	if credential != nil {
		err = errors.Join(err, os.Chown(home, user, user))
	}
	if err != nil {
		t.Fatal("make a home for an ordinary user:", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	shell := exec.CommandContext(ctx, "sh", "-c", "exec 2>&1\n"+script)
	shell.Dir = home
	shell.Env = []string{"PATH=" + bin + ":/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=" + home, "LANG=C.UTF-8"}
	shell.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Credential: credential}
	shell.Cancel = func() error { return syscall.Kill(-shell.Process.Pid, syscall.SIGKILL) } // what it left in the background, too
	shell.WaitDelay = time.Second
	output, err := shell.Output()
	if err = errors.Join(ctx.Err(), err); err != nil {
		t.Fatalf("the user's shell: %v\n%s", err, output)
	}
	return string(output)
}
