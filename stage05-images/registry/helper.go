package registry

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strings"
)

// A helper keeps logins where a file can't: in the keyring of a desktop, in a
// cloud's own service. It is a program, docker-credential-NAME, which Docker
// and podman call too:
//
//	docker-credential-pass get    ← registry.example        → {"ServerURL": …, "Username": …, "Secret": …}
//	docker-credential-pass store  ← {"ServerURL": …, "Username": …, "Secret": …}
//	docker-credential-pass erase  ← registry.example
//
// The secret goes through pipes, and is never an argument that ps shows. See
// https://github.com/docker/docker-credential-helpers.
type helper string

// identityName is the user name of a secret that is an identity token.
const identityName = "<token>"

type credentials struct {
	ServerURL, Username, Secret string
}

// get asks for a login; none is no error.
func (h helper) get(server string) (Login, error) {
	out, err := h.run("get", []byte(server))
	if err != nil && strings.Contains(string(out), "credentials not found") {
		return Login{}, nil
	}
	if err != nil {
		return Login{}, err
	}
	var found credentials
	if json.Unmarshal(out, &found) != nil {
		return Login{}, fmt.Errorf("ask %s: its answer isn't JSON", h.program())
	}
	if found.Username == identityName {
		return Login{IdentityToken: found.Secret}, nil
	}
	return Login{Username: found.Username, Password: found.Secret}, nil
}

func (h helper) store(server string, login Login) error {
	entry := credentials{server, login.Username, login.Password}
	if login.IdentityToken != "" {
		entry.Username, entry.Secret = identityName, login.IdentityToken
	}
	input, err := json.Marshal(entry)
	if err != nil {
		return err
	}
	_, err = h.run("store", input)
	return err
}

func (h helper) erase(server string) error {
	_, err := h.run("erase", []byte(server))
	return err
}

func (h helper) program() string { return "docker-credential-" + string(h) }

// run calls the program. What it says when it fails is an error's text and on
// its standard output; what it says otherwise may be a secret.
func (h helper) run(verb string, input []byte) ([]byte, error) {
	if strings.ContainsAny(string(h), `/\`) {
		return nil, fmt.Errorf("run credential helper: %q in Docker's config.json is no name of one", string(h))
	}
	var out bytes.Buffer
	command := exec.Command(h.program(), verb)
	command.Stdin, command.Stdout = bytes.NewReader(input), &out
	err := command.Run()
	if errors.Is(err, exec.ErrNotFound) {
		return nil, fmt.Errorf("run credential helper: %w: install it, or take it out of Docker's config.json", err)
	}
	if err != nil {
		return out.Bytes(), fmt.Errorf("run %s %s: %w: %s", h.program(), verb, err, Printable(strings.TrimSpace(out.String())))
	}
	return out.Bytes(), nil
}
