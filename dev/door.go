package dev

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

// door is a loopback port that leads to a server which may move, or be far away.
type door struct {
	listener net.Listener
	dial     func(context.Context) (net.Conn, error)
	ctx      context.Context // ends with the door
	end      context.CancelFunc
	open     sync.WaitGroup
}

func newDoor(l net.Listener, dial func(context.Context) (net.Conn, error)) *door {
	d := &door{listener: l, dial: dial}
	d.ctx, d.end = context.WithCancel(context.Background())
	d.open.Go(d.accept)
	return d
}

func (d *door) accept() {
	for {
		conn, err := d.listener.Accept()
		if err != nil {
			return
		}
		d.open.Go(func() { d.carry(conn) })
	}
}

// doorTimeout bounds how long a server may take to be reached.
const doorTimeout = 10 * time.Second

// carry is between a client and the server until one of them, or the door, is closed.
func (d *door) carry(client net.Conn) {
	defer client.Close()
	ctx, cancel := context.WithTimeout(d.ctx, doorTimeout)
	defer cancel()
	server, err := d.dial(ctx)
	if err != nil {
		return // the client sees that nobody is there
	}
	cut := func() { client.Close(); server.Close() }
	defer context.AfterFunc(d.ctx, cut)()
	var both sync.WaitGroup
	for _, way := range [][2]net.Conn{{server, client}, {client, server}} {
		both.Go(func() {
			defer cut()
			_, _ = io.Copy(way[0], way[1]) // either end of it ends both
		})
	}
	both.Wait()
}

func (d *door) close() {
	d.listener.Close()
	d.end()
	d.open.Wait()
}

// Ports of a pair of doors, as on Fly: the primary, and the replica beside the app.
const (
	primaryPort = 5432
	replicaPort = 5433
)

// listenPair opens both ports for the region of number n on a loopback address of its
// own, as Linux has them, or else any two ports.
func listenPair(n int) (pair [2]net.Listener, err error) {
	for net1 := 1; net1 < 255; net1++ {
		host := fmt.Sprintf("127.0.%d.%d", net1, n+1)
		if pair, err = listenBoth(fmt.Sprintf("%s:%d", host, primaryPort), fmt.Sprintf("%s:%d", host, replicaPort)); err == nil {
			return pair, nil
		}
		if net1 == 1 && !sharesLoopback() {
			break
		}
	}
	return listenBoth(anyPort, anyPort)
}

func listenBoth(first, second string) (pair [2]net.Listener, err error) {
	if pair[0], err = net.Listen("tcp", first); err != nil {
		return pair, err
	}
	if pair[1], err = net.Listen("tcp", second); err != nil {
		pair[0].Close()
	}
	return pair, err
}

// sharesLoopback reports whether all of 127.0.0.0/8 can be listened on.
func sharesLoopback() bool {
	l, err := net.Listen("tcp", "127.0.1.1:0")
	if err == nil {
		l.Close()
	}
	return err == nil
}
