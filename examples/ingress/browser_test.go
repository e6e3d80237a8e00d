package ingress_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"time"
)

// browser is somebody who keeps cookies, for whichever region they are led to.
type browser struct {
	w    *world
	http http.Client
}

func (w *world) browser() *browser {
	jar, _ := cookiejar.New(nil) // never fails
	tr := &http.Transport{}
	w.Cleanup(tr.CloseIdleConnections)
	return &browser{w, http.Client{
		Jar: jar, Transport: tr, Timeout: 30 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

type answer struct {
	status int
	header http.Header
	body   string
	took   time.Duration
}

func (a answer) String() string { return fmt.Sprintf("%d %q past %v", a.status, a.body, a.passed()) }

// passed are the regions whose ingress the answer passed, the client's last.
func (a answer) passed() []string { return a.header[passed] }

// wasForwarded reports whether the primary's ingress was passed on the way from region.
func (a answer) wasForwarded(from string) bool {
	return slices.Equal(a.passed(), []string{"ord", from})
}

// wasLocal reports whether the ingress in region alone was passed.
func (a answer) wasLocal(region string) bool { return slices.Equal(a.passed(), []string{region}) }

// link reads a link.
func (a answer) link() (l link, err error) {
	err = json.Unmarshal([]byte(a.body), &l)
	return l, err
}

type link struct {
	ID, Visits int64
	Name, URL  string
}

func (b *browser) do(at *place, method, path string, body io.Reader, change ...func(*http.Request)) answer {
	req, err := http.NewRequestWithContext(b.w.Context(), method, "http://"+at.web+path, body)
	if err != nil {
		return answer{body: err.Error()}
	}
	for _, f := range change {
		f(req)
	}
	begun := time.Now()
	resp, err := b.http.Do(req)
	if err != nil {
		return answer{body: err.Error()}
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return answer{body: err.Error()}
	}
	return answer{resp.StatusCode, resp.Header, string(text), time.Since(begun)}
}

func (b *browser) get(at *place, path string) answer { return b.do(at, "GET", path, nil) }

// post creates a link, which leads to address.
func (b *browser) post(at *place, name string) answer {
	form := url.Values{"name": {name}, "url": {address(name)}}.Encode()
	return b.do(at, "POST", "/links", strings.NewReader(form), func(r *http.Request) {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	})
}

func address(name string) string { return "http://" + name + ".test/" }

// create is a post that must succeed.
func (b *browser) create(at *place, name string) link {
	b.w.Helper()
	a := b.post(at, name)
	l, err := a.link()
	if a.status != http.StatusCreated || err != nil {
		b.w.Fatalf("creating %s in %s: %v", name, at.region, a)
	}
	return l
}

func path(l link) string { return fmt.Sprintf("/links/%d", l.ID) }
