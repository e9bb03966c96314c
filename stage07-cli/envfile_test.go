package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func fromHere(name string) (string, bool) {
	value, ok := map[string]string{"HERE": "from here", "EMPTY": ""}[name]
	return value, ok
}

func TestAnEnvFileIsReadAsItStands(t *testing.T) {
	env, err := readEnvFile(strings.NewReader("\ufeffA=1\n# comment\n\n  B = 2\n"), fromHere)
	require.ErrorContains(t, err, "4: white space in the name")
	require.Nil(t, env)

	env, err = readEnvFile(strings.NewReader("\ufeffA=1\r\n#B=2\n\n\tC=\"quoted $HOME\" \nHERE\nGONE\nEMPTY\nD=\nE=a=b\nF='x"), fromHere)
	require.NoError(t, err)
	require.Equal(t, []string{"A=1", `C="quoted $HOME" `, "HERE=from here", "EMPTY=", "D=", "E=a=b", "F='x"}, env)
}

func TestAnEnvFileWithAWrongLineIsRefusedWithItsNumber(t *testing.T) {
	for given, want := range map[string]string{
		"A=1\nexport B=2": `2: white space in the name "export B"`,
		"=x":              "1: the name of the variable is missing",
		"A=1\nB=\x00":     "2: a NUL byte in the variable B",
		"A=\xff":          "1: the variable A isn't UTF-8",
		"A=1\nB=" + strings.Repeat("x", envLineLimit): "2: the line is longer than 1 MiB",
	} {
		_, err := readEnvFile(strings.NewReader(given), fromHere)
		require.ErrorContains(t, err, want)
	}
}

func TestTheFlagsComeAfterTheFiles(t *testing.T) {
	file := filepath.Join(t.TempDir(), "env")
	require.NoError(t, os.WriteFile(file, []byte("A=file\nB=file\n"), 0o600))
	env, err := environment([]string{file}, []string{"A=flag", "HERE", "GONE", "L=1,2 "}, fromHere)
	require.NoError(t, err)
	require.Equal(t, []string{"A=file", "B=file", "A=flag", "HERE=from here", "L=1,2 "}, env)

	_, err = environment(nil, []string{"=x"}, fromHere)
	require.ErrorContains(t, err, `-e "=x": the name of the variable is missing`)
	_, err = environment([]string{"/nonexistent"}, nil, fromHere)
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestLabels(t *testing.T) {
	all, err := labels([]string{"a=1", "b", "c=d=e", "a=2"})
	require.NoError(t, err)
	require.Equal(t, map[string]string{"a": "2", "b": "", "c": "d=e"}, all)
	_, err = labels([]string{"=x"})
	require.ErrorContains(t, err, "the key is missing")
}
