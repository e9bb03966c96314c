package registry

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Trust is what the owner of this machine has put down about the certificates
// of one registry, in Docker's form:
//
//	certs.d/registry.example:5000/ca.crt       signs the registry's certificate
//	certs.d/registry.example:5000/client.cert  shows the registry who we are
//	certs.d/registry.example:5000/client.key   and proves it
//
// See https://docs.docker.com/engine/security/certificates/.
type Trust struct {
	roots  []*x509.Certificate
	client []tls.Certificate
}

// FindTrust reads what the directories have for a registry. One that isn't
// there says nothing; a file that can't be used is an error, since without it
// the connection would fail for a reason that nobody sees.
func FindTrust(host string, dirs ...string) (Trust, error) {
	var t Trust
	for _, dir := range dirs {
		// The host has passed the grammar of names: it holds no slash.
		if err := t.read(filepath.Join(dir, host)); err != nil {
			return Trust{}, fmt.Errorf("read certificates of %s: %w", host, err)
		}
	}
	return t, nil
}

func (t *Trust) read(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, entry := range entries {
		path := filepath.Join(dir, entry.Name())
		switch filepath.Ext(path) {
		case ".crt":
			err = t.addRoot(path)
		case ".cert":
			err = t.addClient(path)
		case ".key":
			_, err = os.Stat(strings.TrimSuffix(path, ".key") + ".cert")
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (t *Trust) addRoot(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	found := 0
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		t.roots = append(t.roots, certificate)
		found++
	}
	if found == 0 {
		return fmt.Errorf("%s: no certificate in PEM form", path)
	}
	return nil
}

func (t *Trust) addClient(path string) error {
	pair, err := tls.LoadX509KeyPair(path, strings.TrimSuffix(path, ".cert")+".key")
	if err != nil {
		return fmt.Errorf("%s is a client's certificate and needs its .key (a CA's is called .crt): %w", path, err)
	}
	t.client = append(t.client, pair)
	return nil
}

// pool is what the system trusts, and what the registry's owner has signed.
func (t *Trust) pool() *x509.CertPool {
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool() // a machine without any certificates
	}
	for _, root := range t.roots {
		pool.AddCert(root)
	}
	return pool
}
