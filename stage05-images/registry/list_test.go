package registry

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAListIsReadPageByPage(t *testing.T) {
	var asked []string
	r := repository(t, httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.RequestURI())
		if last := r.URL.Query().Get("last"); last == "" {
			w.Header().Set("Link", `</v2/x/tags/list?n=1000&last=b>; rel="next"`)
			fmt.Fprint(w, `{"name":"x","tags":["a","b"]}`)
			return
		}
		fmt.Fprint(w, `{"name":"x","tags":["c"]}`)
	})))
	tags, err := r.Tags(context.Background())
	require.NoError(t, err)
	require.Equal(t, []string{"a", "b", "c"}, tags)
	require.Equal(t, []string{"/v2/x/tags/list?n=1000", "/v2/x/tags/list?n=1000&last=b"}, asked)
}

func TestAListThatNeverEndsIsLeft(t *testing.T) {
	requests := 0
	r := repository(t, httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests++
		w.Header().Set("Link", fmt.Sprintf(`</v2/x/tags/list?last=%d>; rel="next"`, requests))
		fmt.Fprint(w, `{"tags":["a"]}`)
	})))
	_, err := r.Tags(context.Background())
	require.ErrorIs(t, err, ErrRefused)
	require.Equal(t, mostPages, requests)
}

func TestTheNextPageIsOfTheSameList(t *testing.T) {
	here := &url.URL{Scheme: "https", Host: "registry.example", Path: "/v2/_catalog", RawQuery: "n=1"}
	for link, want := range map[string]string{
		``:                                      "",
		`</v2/_catalog?last=a&n=1>; rel="next"`: "last=a&n=1",
		`<?last=b>; rel=next`:                   "last=b",
		`<https://registry.example/v2/_catalog?last=c>; rel="next"`: "last=c",
		`</v2/_catalog?last=a>; rel="prev"`:                         "",
		`</v2/_catalog?n=1>; rel="next"`:                            "refused",
		`</v2/other/tags/list?last=a>; rel="next"`:                  "refused",
		`<http://%zz>; rel="next"`:                                  "refused",
	} {
		next, err := nextPage(here, link)
		switch want {
		case "refused":
			require.ErrorIs(t, err, ErrRefused, link)
		case "":
			require.Nil(t, next, link)
			require.NoError(t, err)
		default:
			require.NoError(t, err)
			require.Equal(t, want, next.RawQuery)
		}
	}
}
