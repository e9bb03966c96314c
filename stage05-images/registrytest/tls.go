package registrytest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// CA is an authority that nobody trusts but who is told to.
type CA struct {
	File string // its certificate

	certificate *x509.Certificate
	key         crypto.Signer
}

// NewCA makes one that ends with the test.
func NewCA(t testing.TB) *CA {
	t.Helper()
	ca := &CA{}
	template := template("ca")
	template.IsCA, template.BasicConstraintsValid, template.KeyUsage = true, true, x509.KeyUsageCertSign
	ca.certificate, ca.key = template, newKey(t)
	ca.File, _ = ca.files(t, template, ca.key)
	return ca
}

// Issue returns the files of a certificate for a name or an address, fit for a
// server and for a client.
func (ca *CA) Issue(t testing.TB, name string) (certificate, key string) {
	t.Helper()
	template := template(name)
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	if ip := net.ParseIP(name); ip != nil {
		template.IPAddresses = []net.IP{ip}
	} else {
		template.DNSNames = []string{name}
	}
	return ca.files(t, template, newKey(t))
}

// files signs a certificate and writes it and its key.
func (ca *CA) files(t testing.TB, template *x509.Certificate, own crypto.Signer) (certificate, key string) {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, ca.certificate, own.Public(), ca.key)
	require.NoError(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(own)
	require.NoError(t, err)
	dir := t.TempDir()
	certificate, key = filepath.Join(dir, "certificate.pem"), filepath.Join(dir, "key.pem")
	require.NoError(t, os.WriteFile(certificate, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	require.NoError(t, os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600))
	return certificate, key
}

func newKey(t testing.TB) crypto.Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	return key
}

func template(name string) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()),
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(time.Hour),
		KeyUsage:     x509.KeyUsageDigitalSignature,
	}
}

// StartTLS runs a registry that speaks TLS under a name, and with askClient
// only with those who show a certificate of the same authority.
func StartTLS(t testing.TB, ca *CA, name string, askClient bool) (host string) {
	t.Helper()
	certificate, key := ca.Issue(t, name)
	clients := ""
	if askClient {
		clients = fmt.Sprintf(", clientcas: [%s]", ca.File)
	}
	return start(t, options{tls: fmt.Sprintf(", tls: {certificate: %s, key: %s%s}", certificate, key, clients)})
}
