package registrytest

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// loginServer gives out tokens as https://docs.docker.com/registry/spec/auth/token/
// describes them: signed statements of what their bearer may do, which the
// registry checks with a certificate and without asking anybody.
type loginServer struct {
	url         string
	certificate string // file
	key         *rsa.PrivateKey
	der         []byte
}

func newLoginServer(t testing.TB) *loginServer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: "test"},
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().Add(time.Hour),
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	l := &loginServer{key: key, der: der, certificate: filepath.Join(t.TempDir(), "root.pem")}
	require.NoError(t, os.WriteFile(l.certificate, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	server := httptest.NewServer(l)
	t.Cleanup(server.Close)
	l.url = server.URL + "/token"
	return l
}

func (l *loginServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	user, password, given := r.BasicAuth()
	if given && (user != User || password != Password) {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	_ = json.NewEncoder(w).Encode(map[string]string{"token": l.token(r.FormValue("service"), r.Form["scope"], given)})
}

// token signs a JSON Web Token, RFC 7519: header.claims.signature, each base64.
func (l *loginServer) token(service string, scopes []string, known bool) string {
	var access []map[string]any
	for _, scope := range scopes {
		parts := strings.Split(scope, ":")
		if len(parts) != 3 {
			continue
		}
		actions := []string{"pull"}
		if known {
			actions = strings.Split(parts[2], ",")
		}
		access = append(access, map[string]any{"type": parts[0], "name": parts[1], "actions": actions})
	}
	now := time.Now().Unix()
	head := encode(map[string]any{"typ": "JWT", "alg": "RS256", "x5c": []string{base64.StdEncoding.EncodeToString(l.der)}})
	claims := encode(map[string]any{
		"iss": "test", "sub": User, "aud": service, "exp": now + 300, "nbf": now - 60, "iat": now, "jti": rand.Text(), "access": access,
	})
	sum := sha256.Sum256([]byte(head + "." + claims))
	signature, err := rsa.SignPKCS1v15(rand.Reader, l.key, crypto.SHA256, sum[:])
	if err != nil {
		panic(err)
	}
	return head + "." + claims + "." + base64.RawURLEncoding.EncodeToString(signature)
}

func encode(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return base64.RawURLEncoding.EncodeToString(data)
}
