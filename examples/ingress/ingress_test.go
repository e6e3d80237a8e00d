// Package ingress runs an app in three regions, as programs, behind the proxies that
// people have: what goes home is forwarded by the app itself.
package ingress_test

import (
	"testing"
)

func TestBehind(t *testing.T) {
	w := newWorld(t)
	for _, f := range fronts {
		t.Run(f.name, func(t *testing.T) {
			in := w.behind(t, f)
			for _, tt := range []struct {
				name string
				test func(*world)
			}{
				{"nobody sees a page older than their own write", func(w *world) { w.pairs(1000) }},
				{"100 MiB go home and are kept nowhere on the way", testUpload},
				{"what has no known length goes home", testUploadInChunks},
				{"a GET that writes is found out and runs once", testCaptured},
				{"a delete is seen by its author", testDelete},
				{"two that take each other for the primary", testLoop},
				{"without the primary nothing is written", testAway},
				{"what broke off is not sent again", testBroken},
				{"an upload arrives as it is sent", testUploadAsItComes},
				{"an event arrives before the next is made", testEvents},
				{"a socket leads home", testSocket},
			} {
				t.Run(tt.name, func(t *testing.T) { tt.test(in.as(t)) })
			}
		})
	}
}
