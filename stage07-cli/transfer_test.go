package cli

import (
	"strings"
	"testing"

	"cooper/stage05-images/registrytest"

	"github.com/stretchr/testify/require"
)

func TestAPullAndAPushSayWhatDockerSays(t *testing.T) {
	h := newHost(t)
	registry := registrytest.Start(t)
	name := registry + "/me/base"
	h.ok("tag", "base", name)
	out := h.ok("push", name)
	require.Regexp(t, `^Using default tag: latest
The push refers to repository \[`+name+`\]
([0-9a-f]{12}: Preparing
[0-9a-f]{12}: Pushing
[0-9a-f]{12}: Pushed
)+latest: digest: sha256:[0-9a-f]{64} size: \d+$`, out)
	require.Regexp(t, `(?m)^[0-9a-f]{12}: Layer already exists$`, h.ok("push", name+":latest"))
	require.Equal(t, name+":latest", h.ok("push", "-q", name))

	h.ok("rmi", "-f", h.ok("inspect", "-f", "{{.Id}}", "base"))
	out = h.ok("pull", name)
	require.Regexp(t, `^Using default tag: latest
latest: Pulling from me/base
([0-9a-f]{12}: Waiting
[0-9a-f]{12}: Downloading
[0-9a-f]{12}: Pull complete
)+Digest: sha256:[0-9a-f]{64}
Status: Downloaded newer image for `+name+`:latest
`+name+`:latest$`, out)
	out = h.ok("pull", name+":latest")
	require.Regexp(t, `^latest: Pulling from me/base
([0-9a-f]{12}: Already exists
)+Digest: sha256:[0-9a-f]{64}
Status: Image is up to date for `+name+`:latest
`+name+`:latest$`, out)
	require.Equal(t, name+":latest", h.ok("pull", "--quiet", name))
}

func TestAllTagsGoTogether(t *testing.T) {
	h := newHost(t)
	registry := registrytest.Start(t)
	name := registry + "/me/base"
	for _, tag := range []string{":1", ":2", "/other:3"} {
		h.ok("tag", "base", name+tag)
	}
	require.Equal(t, name+":1 "+name+":2", strings.Join(strings.Fields(h.ok("push", "-aq", name)), " "))
	h.ok("rmi", name+":1", name+":2", name+"/other:3")
	require.Equal(t, 1, h.cooper("pull", name+"/other:3").code, "another repository's stayed")

	out := h.ok("pull", "-a", name)
	require.Contains(t, out, "1: Pulling from me/base\n")
	require.Contains(t, out, "2: Pulling from me/base\n")
	require.True(t, strings.HasSuffix(out, "\n"+name), out)
	require.Contains(t, h.ok("images", "--format", "{{.Repository}}:{{.Tag}}"), name+":2\n")

	for _, line := range []string{"pull -a ", "push -a "} {
		r := h.cooper(words(line + name + ":1")...)
		require.Equal(t, 125, r.code)
		require.Contains(t, r.stderr, "tag can't be used with --all-tags/-a: write "+name)
		require.Equal(t, 1, h.cooper(words(line+registry+"/nothing")...).code)
	}
}
