package registry

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// ErrNotFound is the registry's 404: no such repository, tag or blob, or none
// that a stranger may know of.
var ErrNotFound = errors.New("not found")

// statusError turns an unwanted answer into an error: with the registry's own
// words where it gave some (distribution-spec, "Error Codes"), made harmless,
// as they may hold escape sequences for the terminal.
//
//	{"errors": [{"code": "MANIFEST_UNKNOWN", "message": "manifest unknown"}]}
func statusError(resp *http.Response) error {
	text := strconv.Itoa(resp.StatusCode) + " " + http.StatusText(resp.StatusCode)
	if said := registrySays(resp.Body); said != "" {
		text += " (" + said + ")"
	}
	switch resp.StatusCode {
	case http.StatusUnauthorized, http.StatusForbidden:
		return fmt.Errorf("%w: %s", ErrUnauthorized, text)
	case http.StatusNotFound:
		return fmt.Errorf("%w: %s", ErrNotFound, text)
	}
	return errors.New("registry answered " + text)
}

func registrySays(body io.Reader) string {
	data, err := io.ReadAll(io.LimitReader(body, 64<<10))
	if err != nil {
		return ""
	}
	var answer struct {
		Errors []struct {
			Code    string `json:"code"`
			Message string `json:"message"`
		} `json:"errors"`
	}
	if json.Unmarshal(data, &answer) != nil || len(answer.Errors) == 0 {
		return ""
	}
	first := answer.Errors[0]
	return Printable(strings.ToLower(first.Code) + ": " + first.Message)
}

// Printable makes a text from the network fit for a terminal: what isn't a
// printable character is shown as Go writes it, \x1b, and a long text is cut.
func Printable(s string) string {
	const most = 300
	if len(s) > most {
		s = s[:most] + "…"
	}
	quoted := strconv.Quote(s)
	return strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`)
}
