package images

import (
	"path"
	"slices"
	"strings"
)

// DefaultPath is the PATH of a container whose image sets none, as in Docker.
const DefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// Overrides are what a user asks for in place of the image's defaults.
type Overrides struct {
	Entrypoint []string // nil keeps the image's; an empty one that isn't nil is none
	Args       []string // in place of the image's Cmd
	Env        []string // KEY=value, added to the image's or replacing one; KEY alone removes it
	User       string
	Cwd        string
}

// Configure writes what an image says of its containers into a Spec, and what
// the user says over it, by Docker's rules:
//
//   - the command is entrypoint + arguments; arguments replace Cmd;
//   - another entrypoint drops Cmd too, which was written for the image's own;
//   - the environment is the image's, with the user's on top, and always a PATH;
//   - user and working directory are the user's, or else the image's.
//
// It looks at nothing but its arguments.
func Configure(s *Spec, img *Image, over Overrides) {
	config := img.Config.Config
	s.ImageID = img.ID
	s.Args = command(config.Entrypoint, config.Cmd, over)
	s.Env = environment(config.Env, over.Env)
	s.User = config.User
	if over.User != "" {
		s.User = over.User
	}
	s.Cwd = workingDir(config.WorkingDir, over.Cwd)
}

func command(entrypoint, cmd []string, over Overrides) []string {
	if over.Entrypoint != nil {
		entrypoint, cmd = over.Entrypoint, nil
	}
	if len(over.Args) > 0 {
		cmd = over.Args
	}
	return slices.Concat(entrypoint, cmd)
}

// environment lays the user's variables over the image's, each in its place.
// What isn't KEY=value is no variable, and left out.
func environment(image, user []string) []string {
	env := []string{"PATH=" + DefaultPath}
	for _, variable := range image {
		if strings.Contains(variable, "=") {
			env = setVariable(env, variable)
		}
	}
	for _, variable := range user {
		env = setVariable(env, variable)
	}
	return env
}

func setVariable(env []string, variable string) []string {
	key, _, hasValue := strings.Cut(variable, "=")
	i := slices.IndexFunc(env, func(old string) bool { return strings.HasPrefix(old, key+"=") })
	switch {
	case key == "":
		return env
	case !hasValue && i >= 0:
		return slices.Delete(env, i, i+1)
	case !hasValue:
		return env
	case i >= 0:
		env[i] = variable
		return env
	}
	return append(env, variable)
}

// workingDir is absolute, whatever was asked for: path.Join ends at / on its
// way up. A relative one of the user's goes on from the image's.
func workingDir(image, user string) string {
	if path.IsAbs(user) {
		return path.Clean(user)
	}
	return path.Join("/", image, user)
}
