package ingress_test

import (
	"bytes"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"strings"
)

// testUpload sends a file home through four programs, none of which keeps it.
func testUpload(w *world) {
	const size, room = 100 << 20, 64 << 20
	gru := w.places["gru"]
	before := w.peak(gru.app)
	body, length, kind := upload(w, "uploaded", size)
	got := w.browser().do(gru, "POST", "/links", body, func(r *http.Request) {
		r.ContentLength = length
		r.Header.Set("Content-Type", kind)
	})
	l, err := got.link()
	if err != nil || got.status != http.StatusCreated || !got.wasForwarded("gru") || l.URL != address("uploaded") {
		w.Errorf("%v, %v", got, err)
	}
	grown := w.peak(gru.app) - before
	w.Logf("%d MiB in %v; the app in gru grew from %d to %d KiB", size>>20, got.took.Round(1e6), before>>10, (before+grown)>>10)
	if grown > room {
		w.Errorf("the app in gru grew by %d bytes", grown)
	}
	if left, err := os.ReadDir(gru.tmp); err != nil || len(left) != 0 {
		w.Errorf("the app in gru has left %v, %v", left, err)
	}
}

// upload is a form with a file of a size, which costs no memory.
func upload(w *world, name string, size int64) (body io.Reader, length int64, kind string) {
	var text bytes.Buffer
	form := multipart.NewWriter(&text)
	must(w.T, form.WriteField("name", name))
	must(w.T, form.WriteField("url", address(name)))
	_, err := form.CreateFormFile("file", "large")
	must(w.T, err)
	head := text.String()
	text.Reset()
	must(w.T, form.Close())
	length = int64(len(head)) + size + int64(text.Len())
	return io.MultiReader(strings.NewReader(head), io.LimitReader(zeros{}, size), &text), length, form.FormDataContentType()
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// testUploadInChunks is one of no known length, as a client streams it.
func testUploadInChunks(w *world) {
	body, _, kind := upload(w, "streamed", 10<<20)
	got := w.browser().do(w.places["ams"], "POST", "/links", body, func(r *http.Request) { r.Header.Set("Content-Type", kind) })
	if got.status != http.StatusCreated || !got.wasForwarded("ams") {
		w.Error(got)
	}
}
