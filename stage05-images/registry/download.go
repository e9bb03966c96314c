package registry

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"
)

// Download opens what is at an address of the web, byte for byte as it is stored
// there. It takes as long as it takes, but not with a server that is silent for
// the length of patience.
func Download(ctx context.Context, address string, patience time.Duration) (io.ReadCloser, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	resp, err := get(ctx, cancel, address, patience)
	if err != nil {
		cancel(nil)
		return nil, err
	}
	body := answer{watch(ctx, cancel, resp.Body, patience), cancel}
	if resp.StatusCode != http.StatusOK {
		body.Close()
		return nil, fmt.Errorf("get %s: the server answered %s", address, resp.Status)
	}
	return body, nil
}

func get(ctx context.Context, cancel context.CancelCauseFunc, address string, patience time.Duration) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	silence := time.AfterFunc(patience, func() { cancel(errNoProgress) })
	defer silence.Stop()
	client := http.Client{CheckRedirect: checkRedirect, Transport: newTransport(patience, nil)}
	resp, err := client.Do(req)
	if cause := context.Cause(ctx); err != nil && cause != nil {
		return nil, fmt.Errorf("get %s: %w", address, cause)
	}
	return resp, err
}
