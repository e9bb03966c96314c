package registry

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// ErrUnauthorized is the registry's no: to a stranger, or to the stored login.
var ErrUnauthorized = errors.New("not authorized")

// refresh answers a 401: it logs in and keeps the header that comes of it for
// the next requests. A token lasts minutes and a pull may last an hour, so this
// happens in the middle of one, to several requests at once: the first logs in
// for all, and the others find that the header they used isn't the last any
// more.
func (r *Repository) refresh(ctx context.Context, used string, challenge []string) (string, error) {
	r.loggingIn.Lock()
	defer r.loggingIn.Unlock()
	if last := r.lastAuthorization(); last != used {
		return last, nil
	}
	fresh, err := r.logIn(ctx, challenge)
	if err != nil {
		return "", err
	}
	r.lock.Lock()
	defer r.lock.Unlock()
	r.authorization = fresh
	return fresh, nil
}

func (r *Repository) lastAuthorization() string {
	r.lock.Lock()
	defer r.lock.Unlock()
	return r.authorization
}

// logIn returns the header that a challenge asks for.
//
//	client                 registry               login server
//	  │── GET /v2/x/… ────────▶│                        │
//	  │◀─ 401 Bearer realm=R ──│                        │
//	  │── GET R?service=…&scope=repository:x:pull ─────▶│   with user:password, or as anyone
//	  │◀─ {"token": "…"} ───────────────────────────────│
//	  │── GET /v2/x/… ────────▶│   Authorization: Bearer …
//
// With Basic there is no login server: user and password go to the registry.
func (r *Repository) logIn(ctx context.Context, header []string) (string, error) {
	for _, c := range parseChallenge(header) {
		switch c.scheme {
		case "bearer":
			return r.bearer(ctx, c.parameters)
		case "basic":
			return r.basic()
		}
	}
	return "", fmt.Errorf("%w: %s names no way to log in that is known here (basic, bearer)", ErrUnauthorized, r.host)
}

func (r *Repository) basic() (string, error) {
	if r.login.Username == "" {
		return "", fmt.Errorf("%w: %s wants a user name and a password, and none is stored for it", ErrUnauthorized, r.host)
	}
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(r.login.Username+":"+r.login.Password)), nil
}

// bearer fetches a token. The scope is always our own: a challenge that names
// another repository, or more rights, gets none of it.
func (r *Repository) bearer(ctx context.Context, challenge map[string]string) (string, error) {
	realm, err := r.checkRealm(challenge["realm"])
	if err != nil {
		return "", err
	}
	query := url.Values{}
	if len(r.scopes) > 0 {
		query["scope"] = r.scopes
	}
	if r.wantsIdentity {
		query["client_id"], query["offline_token"] = []string{"cooper"}, []string{"true"}
	}
	if service := challenge["service"]; service != "" {
		query.Set("service", service)
	}
	resp, err := retry(ctx, func() (*http.Response, error) { return r.askForToken(ctx, *realm, query) })
	if err != nil {
		return "", fmt.Errorf("get token from %s: %w", realm.Host, withoutURL(err))
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("get token from %s: %w", realm.Host, statusError(resp))
	}
	token, identity, err := readToken(resp.Body)
	if err != nil {
		return "", err
	}
	if r.wantsIdentity {
		r.identity = identity
	}
	return "Bearer " + token, nil
}

// checkRealm decides whether the login server that the registry names may have
// the user's password: over TLS any may, as the registry itself could pass the
// password on; over plain HTTP only the registry's own machine, and only where
// the registry may be insecure too. So a registry can't make us call files,
// or http services that only this machine reaches.
func (r *Repository) checkRealm(realm string) (*url.URL, error) {
	u, err := url.Parse(realm)
	if err != nil || u.Host == "" || u.User != nil {
		return nil, fmt.Errorf("%w: %s names the login server %q, which is no address", ErrUnauthorized, r.host, realm)
	}
	own := url.URL{Host: r.host}
	if u.Scheme == "https" || u.Scheme == "http" && r.insecure && u.Hostname() == own.Hostname() {
		return u, nil
	}
	return nil, fmt.Errorf("%w: refused the login server %q that %s names: only https is safe", ErrUnauthorized, realm, r.host)
}

// askForToken makes the request that docs.docker.com calls "token
// authentication": GET, or with a stored identity token a POST as in OAuth 2.
func (r *Repository) askForToken(ctx context.Context, realm url.URL, query url.Values) (*http.Response, error) {
	req := request{method: http.MethodGet}
	if token := r.login.IdentityToken; token != "" {
		query.Set("scope", strings.Join(r.scopes, " ")) // RFC 6749, section 3.3
		query.Set("grant_type", "refresh_token")
		query.Set("refresh_token", token)
		query.Set("client_id", "cooper")
		form := query.Encode()
		req.method, req.size = http.MethodPost, int64(len(form))
		req.header = map[string]string{"Content-Type": "application/x-www-form-urlencoded"}
		req.body = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(form)), nil }
	} else {
		own := realm.Query()
		for key, values := range query {
			own[key] = values
		}
		realm.RawQuery = own.Encode()
		if r.login.Username != "" {
			basic, _ := r.basic()
			req.header = map[string]string{"Authorization": basic}
		}
	}
	req.url = func() *url.URL { return &realm }
	return r.send(ctx, req)
}

// readToken takes the token out of a login server's answer, and the identity
// token, which comes only when it was asked for. They are never shown: an error
// says what is wrong with one, not what it is.
func readToken(body io.Reader) (token, identity string, err error) {
	const most = 1 << 20
	data, err := io.ReadAll(io.LimitReader(body, most+1))
	if err != nil {
		return "", "", fmt.Errorf("read token: %w", err)
	}
	var answer struct {
		Token        string `json:"token"`
		AccessToken  string `json:"access_token"` // the same, in OAuth 2's words
		RefreshToken string `json:"refresh_token"`
	}
	if len(data) > most || json.Unmarshal(data, &answer) != nil {
		return "", "", errors.New("read token: the login server's answer isn't JSON, or is beyond 1 MiB")
	}
	token = answer.Token
	if token == "" {
		token = answer.AccessToken
	}
	if token == "" || !fitsHeader(token) {
		return "", "", errors.New("read token: the login server sent no token, or one that fits in no header")
	}
	return token, answer.RefreshToken, nil
}

func fitsHeader(s string) bool {
	return !strings.ContainsFunc(s, func(c rune) bool { return c <= ' ' || c > '~' })
}
