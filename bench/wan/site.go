package wan

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os/exec"

	"homing/region"
)

// Site is one end of a network, with loopback and one address of its own. Safe for
// concurrent use.
type Site struct {
	network *Network
	number  int
	code    region.Code
	addr    netip.Addr
	space   *namespace
	tun     *tun
}

func (s *Site) open(cfg Config) (err error) {
	if s.space, err = newNamespace(); err != nil {
		return err
	}
	s.tun, err = openTUN(s.space, s.addr, cfg)
	return err
}

func (s *Site) close() error {
	var errs []error
	if s.tun != nil {
		errs = append(errs, s.tun.close())
	}
	if s.space != nil {
		errs = append(errs, s.space.close())
	}
	return errors.Join(errs...)
}

// Addr is where other sites reach it.
func (s *Site) Addr() netip.Addr { return s.addr }

// Listen is [net.Listen] in this site. The listener may be used anywhere.
func (s *Site) Listen(ctx context.Context, network, addr string) (l net.Listener, err error) {
	var lc net.ListenConfig
	if addr, err = s.resolve(addr); err != nil {
		return nil, err
	}
	err = s.space.do(func() error {
		l, err = lc.Listen(ctx, network, addr)
		return err
	})
	return l, err
}

// ListenPacket is [net.ListenPacket] in this site.
func (s *Site) ListenPacket(ctx context.Context, network, addr string) (c net.PacketConn, err error) {
	var lc net.ListenConfig
	if addr, err = s.resolve(addr); err != nil {
		return nil, err
	}
	err = s.space.do(func() error {
		c, err = lc.ListenPacket(ctx, network, addr)
		return err
	})
	return c, err
}

// DialContext is [net.Dialer.DialContext] from this site. The host is an address, the
// code of a site, or empty for this one. The connection may be used anywhere.
func (s *Site) DialContext(ctx context.Context, network, addr string) (c net.Conn, err error) {
	var d net.Dialer
	if addr, err = s.resolve(addr); err != nil {
		return nil, err
	}
	err = s.space.do(func() error {
		c, err = d.DialContext(ctx, network, addr)
		return err
	})
	return c, err
}

// Start is [exec.Cmd.Start] in this site. The process keeps the site's network until it
// ends, also past Close; ending it is the caller's.
func (s *Site) Start(cmd *exec.Cmd) error { return s.space.do(cmd.Start) }

// resolve puts addresses in the place of sites. Other names are refused: they would be
// looked up on a thread that is in no site.
func (s *Site) resolve(addr string) (string, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return "", err
	}
	if host == "" {
		return addr, nil
	}
	if other := s.network.Site(region.Code(host)); other != nil {
		return net.JoinHostPort(other.addr.String(), port), nil
	}
	if _, err := netip.ParseAddr(host); err != nil {
		return "", fmt.Errorf("wan: %q is neither a site nor an address", host)
	}
	return addr, nil
}
