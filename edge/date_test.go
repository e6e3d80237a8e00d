package edge

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

func TestADateIsThatOfItsSecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, pause := range []time.Duration{0, time.Millisecond, 998 * time.Millisecond, time.Millisecond, 0, time.Second, time.Hour} {
			time.Sleep(pause)
			if got, want := date(), time.Now().UTC().Format(http.TimeFormat); got != want {
				t.Errorf("%q, want %q", got, want)
			}
		}
	})
}
