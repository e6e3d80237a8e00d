package edge

import (
	"net/http"
	"sync/atomic"
	"time"
)

// second is a moment's text as it stands in the field Date (RFC 9110 §5.6.7).
type second struct {
	unix int64
	text string
}

var latest atomic.Pointer[second]

// date returns the Date of an answer that lacks one (RFC 9110 §6.6.1). Its text is made
// once a second, for all.
func date() string {
	now := time.Now()
	if s := latest.Load(); s != nil && s.unix == now.Unix() {
		return s.text
	}
	s := &second{now.Unix(), now.UTC().Format(http.TimeFormat)}
	latest.Store(s)
	return s.text
}
