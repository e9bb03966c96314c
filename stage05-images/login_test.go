package images

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"cooper/stage05-images/registry"
	"cooper/stage05-images/registrytest"

	"github.com/stretchr/testify/require"
)

func logIn(t *testing.T, host, password string) {
	t.Helper()
	dir := t.TempDir()
	auth := map[string]any{"auths": map[string]any{host: map[string][]byte{"auth": []byte(registrytest.User + ":" + password)}}}
	data, err := json.Marshal(auth)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "config.json"), data, 0o600))
	t.Setenv("DOCKER_CONFIG", dir)
}

func TestALoginWithNameAndPassword(t *testing.T) {
	ctx, host := context.Background(), registrytest.StartBasic(t)
	s, name := newStore(t), host+"/a:1"
	img := put(t, s, name, nil, "x=1")
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	_, err := Push(ctx, s, name, PushOptions{})
	require.ErrorIs(t, err, registry.ErrUnauthorized)
	require.ErrorContains(t, err, "none is stored")
	logIn(t, host, "WRONG-SECRET")
	_, err = Push(ctx, s, name, PushOptions{})
	require.ErrorIs(t, err, registry.ErrUnauthorized)
	require.NotContains(t, err.Error(), "SECRET")
	logIn(t, host, registrytest.Password)
	_, err = Push(ctx, s, name, PushOptions{})
	require.NoError(t, err)
	got, err := Pull(ctx, newStore(t), name, PullOptions{})
	require.NoError(t, err)
	require.Equal(t, img.ID, got.ID)
}

func TestALoginWithATokenAndAStrangersToken(t *testing.T) {
	ctx, host := context.Background(), registrytest.StartToken(t)
	s, name := newStore(t), host+"/a:1"
	img := put(t, s, name, nil, "x=1")
	logIn(t, host, registrytest.Password)
	_, err := Push(ctx, s, name, PushOptions{})
	require.NoError(t, err)
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	got, err := Pull(ctx, newStore(t), name, PullOptions{})
	require.NoError(t, err, "a stranger may pull")
	require.Equal(t, img.ID, got.ID)
	put(t, s, name, nil, "x=2")
	_, err = Push(ctx, s, name, PushOptions{})
	require.ErrorIs(t, err, registry.ErrUnauthorized, "a stranger may not push")
}
