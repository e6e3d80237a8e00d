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
			} {
				t.Run(tt.name, func(t *testing.T) { tt.test(in.as(t)) })
			}
		})
	}
}
