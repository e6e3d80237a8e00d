package wire_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"

	"homing/wire"
)

// kase is one case of testdata; README.md there explains it.
type kase struct {
	name, source, method string
	in                   []byte
	want, reads, gives   string
}

// corpus reads a file of cases.
func corpus(t testing.TB, file string) []kase {
	t.Helper()
	text, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	var cases []kase
	for i, line := range strings.Split(string(text), "\n") {
		if name, ok := strings.CutPrefix(line, "== "); ok {
			cases = append(cases, kase{name: name, method: "GET"})
			continue
		}
		if line == "" || strings.HasPrefix(line, "# ") {
			continue
		}
		if err := cases[len(cases)-1].set(line); err != nil {
			t.Fatalf("%s:%d: %v", file, i+1, err)
		}
	}
	return cases
}

func (k *kase) set(line string) (err error) {
	key, value, ok := strings.Cut(line, ": ")
	if !ok {
		return errors.New("no key")
	}
	times := 1
	if n, ok := strings.CutPrefix(key, "in x"); ok {
		if times, err = strconv.Atoi(n); err != nil {
			return err
		}
		key = "in"
	}
	switch key {
	case "source":
		k.source = value
	case "method":
		k.method = value
	case "want":
		k.want = value
	case "reads":
		k.reads = value
	case "gives":
		k.gives, err = strconv.Unquote(value)
	case "in":
		value, err = strconv.Unquote(value)
		k.in = append(k.in, strings.Repeat(value, times)...)
	default:
		err = errors.New("unknown key")
	}
	return err
}

// wrong says in which way a case is not one, which a typing error could make it.
func (k *kase) wrong() string {
	accepted := strings.HasPrefix(k.want, "accept ")
	switch {
	case k.source == "":
		return "it has no source"
	case len(k.in) == 0:
		return "it sends nothing"
	case accepted != (k.reads != ""):
		return "what it reads is said if, and only if, it is accepted"
	}
	return ""
}

// outcome is what came of reading a case and the message behind it, in the words
// of the corpus.
func outcome(k kase, r *wire.Reader) (want, reads, gives string) {
	reads, err := readHead(k, r)
	if err != nil {
		return "head " + refused(k, r, err), "", ""
	}
	body, err := io.ReadAll(r.Body())
	if err != nil {
		return "body " + refused(k, r, err), "", ""
	}
	switch behind, err := readHead(k, r); {
	case err == io.EOF:
		want = "accept close"
	case err != nil:
		want = err.Error()
	case behind == "GET /next next 0" || behind == "299 0":
		want = "accept reuse"
	default:
		want = "accepted, and then read " + behind
	}
	return want, reads, string(body)
}

// refused returns the status of an error; 0 if the body broke off.
func refused(k kase, r *wire.Reader, err error) string {
	status := 0
	if e := new(wire.Error); errors.As(err, &e) {
		status = e.Status
	} else if err != io.ErrUnexpectedEOF {
		return err.Error()
	}
	behind, err := readHead(k, r)
	if e := new(wire.Error); !errors.As(err, &e) {
		return fmt.Sprintf("and then read %s, %v", behind, err)
	}
	return strconv.Itoa(status)
}

const (
	nextRequest = "GET /next HTTP/1.1\r\nHost: next\r\n\r\n"
	nextAnswer  = "HTTP/1.1 299 Next\r\nContent-Length: 0\r\n\r\n"
)

// readHead reads a head and says what it is.
func readHead(k kase, r *wire.Reader) (string, error) {
	length := func(n int64) string {
		switch n {
		case wire.Chunked:
			return "chunked"
		case wire.UntilClose:
			return "close"
		}
		return strconv.FormatInt(n, 10)
	}
	if bytes.HasPrefix(k.in, []byte("HTTP")) || bytes.HasPrefix(k.in, []byte("SSH")) {
		resp, err := r.ReadResponse(k.method)
		if err != nil {
			return "", err
		}
		return fmt.Sprint(resp.Status, " ", length(resp.Length)), nil
	}
	req, err := r.ReadRequest()
	if err != nil {
		return "", err
	}
	host := req.Host
	if host == "" {
		host = "-"
	}
	return strings.Join([]string{req.Method, req.Target, host, length(req.Length)}, " "), nil
}

// ways are the pieces in which bytes may come. None may make a difference.
var ways = map[string]func(io.Reader) io.Reader{
	"whole":        func(r io.Reader) io.Reader { return r },
	"byte by byte": iotest.OneByteReader,
	"halves":       iotest.HalfReader,
	"seven bytes":  func(r io.Reader) io.Reader { return &pieces{r, 7} },
	"with its end": iotest.DataErrReader,
}

type pieces struct {
	io.Reader
	most int
}

func (p *pieces) Read(b []byte) (int, error) { return p.Reader.Read(b[:min(len(b), p.most)]) }

func testCorpus(t *testing.T, file, next string) {
	names := map[string]bool{}
	for _, k := range corpus(t, file) {
		t.Run(k.name, func(t *testing.T) {
			if wrong := k.wrong(); wrong != "" || names[k.name] {
				t.Fatalf("not a case, or one of the same name: %s", wrong)
			}
			names[k.name] = true
			in := k.in
			if !strings.HasSuffix(k.reads, " close") || k.want != "accept close" {
				in = append(bytes.Clone(in), next...)
			}
			for way, through := range ways {
				r := wire.NewReader(through(bytes.NewReader(in)), wire.Limits{})
				want, reads, gives := outcome(k, r)
				if want != k.want || reads != k.reads || gives != k.gives {
					t.Errorf("%s: %s, %q %q, want %s, %q %q", way, want, reads, gives, k.want, k.reads, k.gives)
				}
			}
		})
	}
}

func TestRequests(t *testing.T)  { testCorpus(t, "requests.txt", nextRequest) }
func TestSmuggling(t *testing.T) { testCorpus(t, "smuggling.txt", nextRequest) }
func TestAnswers(t *testing.T)   { testCorpus(t, "answers.txt", nextAnswer) }

func TestTheCorpusIsLargeEnough(t *testing.T) {
	if n := len(corpus(t, "smuggling.txt")); n < 60 {
		t.Errorf("%d forms of smuggling, want 60", n)
	}
}
