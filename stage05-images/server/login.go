package server

import (
	"bufio"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"

	images "cooper/stage05-images"

	"golang.org/x/crypto/bcrypt"
)

// Logins are the users of a registry and their passwords, as htpasswd -B
// writes them:
//
//	me:$2y$05$…
//	   └ bcrypt: slow on purpose, so that the file alone gives nobody away
//
// A client sends user and password with every request. To let all of a push's
// requests wait for bcrypt would make it slow as well, so the last password
// that was right is remembered, as a keyed hash that is of use nowhere else.
type Logins struct {
	users map[string][]byte
	key   []byte

	lock  sync.Mutex
	right map[string]string // by user

	slow sync.Mutex // one guess at a time: guessing mustn't cost more than one CPU
}

// ReadLogins reads a file of htpasswd.
func ReadLogins(r io.Reader) (*Logins, error) {
	l := &Logins{users: map[string][]byte{}, right: map[string]string{}, key: make([]byte, 32)}
	rand.Read(l.key)
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		user, hash, _ := strings.Cut(line, ":")
		if _, err := bcrypt.Cost([]byte(hash)); user == "" || err != nil {
			return nil, fmt.Errorf("read logins: line %d has no user and bcrypt hash: make it with htpasswd -B", n)
		}
		l.users[user] = []byte(hash)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read logins: %w", err)
	}
	if len(l.users) == 0 {
		return nil, fmt.Errorf("read logins: nobody is in the file: add a line with htpasswd -B")
	}
	return l, nil
}

// checkLogin asks for user and password, with Basic of RFC 7617.
func (h *Handler) checkLogin(w http.ResponseWriter, r *http.Request) error {
	if h.Logins == nil {
		return nil
	}
	user, password, given := r.BasicAuth()
	if given && h.Logins.admit(user, password) {
		return nil
	}
	w.Header().Set("WWW-Authenticate", `Basic realm="registry"`)
	return &images.Refusal{Code: images.Unauthorized, Reason: "log in: user and password are wanted here"}
}

func (l *Logins) admit(user, password string) bool {
	mac := hmac.New(sha256.New, l.key)
	mac.Write([]byte(password))
	sum := string(mac.Sum(nil))
	l.lock.Lock()
	known := l.right[user] == sum
	l.lock.Unlock()
	return known || l.compare(user, password, sum)
}

// compare takes its time. An unknown user takes the same, and so isn't found
// out by the clock.
func (l *Logins) compare(user, password, sum string) bool {
	l.slow.Lock()
	defer l.slow.Unlock()
	hash, exists := l.users[user]
	if !exists {
		for _, hash = range l.users {
			break
		}
	}
	if bcrypt.CompareHashAndPassword(hash, []byte(password)) != nil || !exists {
		return false
	}
	l.lock.Lock()
	defer l.lock.Unlock()
	l.right[user] = sum
	return true
}
