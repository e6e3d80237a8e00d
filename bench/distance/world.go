package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"homing/bench/wan"
	"homing/fleet"
	"homing/machine"
	"homing/region"
)

// world is two regions with a machine in each.
type world struct {
	network   *wan.Network
	near, far region.Code
	machines  []fleet.Machine
	ends      []io.Closer
}

const app = "writes"

func newWorld(cfg wan.Config, near, far region.Code) (_ *world, err error) {
	cfg.Sites = []region.Code{near, far}
	w := &world{near: near, far: far}
	if w.network, err = wan.New(cfg); err != nil {
		return nil, err
	}
	w.ends = append(w.ends, w.network)
	err = errors.Join(
		w.addMachine(near, func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Fly-Replay", "region="+string(far)+";state=method")
			rw.WriteHeader(http.StatusConflict)
		}),
		w.addMachine(far, func(rw http.ResponseWriter, r *http.Request) {
			n, _ := io.Copy(io.Discard, r.Body) // the client sees how much it was
			fmt.Fprintf(rw, "%d bytes written in %s", n, far)
		}))
	if err != nil {
		return nil, errors.Join(err, w.close())
	}
	return w, nil
}

func (w *world) close() error {
	var errs []error
	for i := len(w.ends) - 1; i >= 0; i-- {
		errs = append(errs, w.ends[i].Close())
	}
	return errors.Join(errs...)
}

// addMachine starts one in a region.
func (w *world) addMachine(in region.Code, h http.HandlerFunc) error {
	srv := &http.Server{Handler: h}
	addr, err := w.serve(in, srv)
	w.machines = append(w.machines, fleet.Machine{ID: machine.ID("in-" + string(in)), App: app, Region: in, Addr: addr, Healthy: true})
	return err
}

// server is one of net/http's, or an edge's.
type server interface {
	Serve(net.Listener) error
	io.Closer
}

// serve runs a server in a region and returns where.
func (w *world) serve(in region.Code, srv server) (addr string, err error) {
	site := w.network.Site(in)
	l, err := site.Listen(context.Background(), "tcp4", site.Addr().String()+":0")
	if err != nil {
		return "", err
	}
	w.ends = append(w.ends, srv)
	go srv.Serve(l) // ends with Close
	return l.Addr().String(), nil
}

// roundTrip is how long a handshake takes.
func (w *world) roundTrip(ctx context.Context) (time.Duration, error) {
	begun := time.Now()
	c, err := w.network.Site(w.near).DialContext(ctx, "tcp", w.machines[1].Addr)
	if err != nil {
		return 0, err
	}
	took := time.Since(begun)
	return took, c.Close()
}
