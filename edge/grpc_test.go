package edge_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"homing/edge"
	"homing/fleet"
	"homing/machine"
	"homing/region"
)

// grpcMachine is a machine on gRPC's own server.
func grpcMachine(t *testing.T, id machine.ID, at region.Code, s *grpcService) fleet.Machine {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := grpc.NewServer(grpc.MaxRecvMsgSize(16 << 20))
	grpc_testing.RegisterTestServiceServer(srv, s)
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(l) }()
	t.Cleanup(func() { srv.Stop(); <-ended })
	return fleet.Machine{ID: id, App: "web", Region: at, Addr: l.Addr().String(), Healthy: true}
}

type grpcService struct {
	grpc_testing.UnimplementedTestServiceServer
	left chan struct{}    // a value for each HalfDuplexCall that was given up
	seen chan metadata.MD // of each UnaryCall; nil: not wanted
}

// EmptyCall fails.
func (s *grpcService) EmptyCall(context.Context, *grpc_testing.Empty) (*grpc_testing.Empty, error) {
	return nil, status.Error(codes.NotFound, "nothing: here%")
}

// UnaryCall answers with what it was asked.
func (s *grpcService) UnaryCall(ctx context.Context, in *grpc_testing.SimpleRequest) (*grpc_testing.SimpleResponse, error) {
	if s.seen != nil {
		md, _ := metadata.FromIncomingContext(ctx)
		if by, ok := ctx.Deadline(); ok {
			md.Set("deadline", time.Until(by).Round(time.Hour).String())
		}
		s.seen <- md
	}
	grpc.SetTrailer(ctx, metadata.Pairs("sum-bin", string([]byte{0, 255})))
	return &grpc_testing.SimpleResponse{Payload: in.Payload}, nil
}

// StreamingOutputCall sends three messages, and an error behind them.
func (s *grpcService) StreamingOutputCall(in *grpc_testing.StreamingOutputCallRequest, out grpc.ServerStreamingServer[grpc_testing.StreamingOutputCallResponse]) error {
	for range 3 {
		if err := out.Send(&grpc_testing.StreamingOutputCallResponse{Payload: in.Payload}); err != nil {
			return err
		}
	}
	return status.Error(codes.OutOfRange, "no more")
}

// StreamingInputCall adds up.
func (s *grpcService) StreamingInputCall(in grpc.ClientStreamingServer[grpc_testing.StreamingInputCallRequest, grpc_testing.StreamingInputCallResponse]) error {
	size := 0
	for {
		m, err := in.Recv()
		if err == io.EOF {
			return in.SendAndClose(&grpc_testing.StreamingInputCallResponse{AggregatedPayloadSize: int32(size)})
		}
		if err != nil {
			return err
		}
		size += len(m.Payload.Body)
	}
}

// FullDuplexCall answers each message with itself.
func (s *grpcService) FullDuplexCall(both grpc.BidiStreamingServer[grpc_testing.StreamingOutputCallRequest, grpc_testing.StreamingOutputCallResponse]) error {
	for {
		m, err := both.Recv()
		if err == io.EOF {
			return nil
		}
		if err == nil {
			err = both.Send(&grpc_testing.StreamingOutputCallResponse{Payload: m.Payload})
		}
		if err != nil {
			return err
		}
	}
}

// HalfDuplexCall waits until the client gives up.
func (s *grpcService) HalfDuplexCall(both grpc.BidiStreamingServer[grpc_testing.StreamingOutputCallRequest, grpc_testing.StreamingOutputCallResponse]) error {
	both.SendHeader(nil)
	<-both.Context().Done()
	s.left <- struct{}{}
	return both.Context().Err()
}

// http2App says of the app "web" that its machines speak HTTP/2.
func http2App(c *edge.Config) {
	if err := c.Fleet.SetApps(fleet.App{Name: "web", Options: fleet.Options{HTTP2: true}}); err != nil {
		panic(err)
	}
}

// call returns a client of the machines' service, through the edge.
func (w *world) call(over credentials.TransportCredentials) grpc_testing.TestServiceClient {
	w.t.Helper()
	conn, err := grpc.NewClient("passthrough:///"+w.addr, grpc.WithTransportCredentials(over),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(16<<20)))
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { conn.Close() })
	return grpc_testing.NewTestServiceClient(conn)
}

func payload(s string) *grpc_testing.Payload { return &grpc_testing.Payload{Body: []byte(s)} }

func TestGRPC(t *testing.T) {
	service := &grpcService{left: make(chan struct{}, 1), seen: make(chan metadata.MD, 1)}
	w := newWorld(t, http2App, grpcMachine(t, "near", "ams", service))
	plain := w.call(insecure.NewCredentials())
	w.overTLS()
	encrypted := w.call(credentials.NewTLS(&tls.Config{InsecureSkipVerify: true}))
	for name, c := range map[string]grpc_testing.TestServiceClient{"h2c": plain, "TLS": encrypted} {
		for kind, test := range map[string]func(*testing.T, grpc_testing.TestServiceClient){
			"unary":            func(t *testing.T, c grpc_testing.TestServiceClient) { unary(t, c, service.seen) },
			"errors":           grpcErrors,
			"server streaming": serverStreaming,
			"client streaming": clientStreaming,
			"full duplex":      fullDuplex,
			"giving up":        func(t *testing.T, c grpc_testing.TestServiceClient) { givingUp(t, c, service.left) },
		} {
			t.Run(kind+" over "+name, func(t *testing.T) { test(t, c) })
		}
	}
}

func unary(t *testing.T, c grpc_testing.TestServiceClient, seen <-chan metadata.MD) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	for _, size := range []int{0, 5, 5 << 20} {
		var trailer metadata.MD
		body := strings.Repeat("x", size)
		resp, err := c.UnaryCall(ctx, &grpc_testing.SimpleRequest{Payload: payload(body)}, grpc.Trailer(&trailer))
		if err != nil || string(resp.Payload.Body) != body || len(trailer["sum-bin"]) != 1 || trailer["sum-bin"][0] != "\x00\xff" {
			t.Fatalf("%d bytes: %v, trailer %v", size, err, trailer)
		}
		md := <-seen
		if len(md["x-forwarded-for"]) != 1 || len(md["fly-region"]) != 1 || md["via"][0] != "2.0 homing" || fmt.Sprint(md["deadline"]) != "[1h0m0s]" {
			t.Errorf("the machine was told %v", md)
		}
	}
}

func grpcErrors(t *testing.T, c grpc_testing.TestServiceClient) {
	_, err := c.EmptyCall(t.Context(), &grpc_testing.Empty{}) // an answer that is only a trailer
	if s := status.Convert(err); s.Code() != codes.NotFound || s.Message() != "nothing: here%" {
		t.Errorf("got %v", err)
	}
	if _, err = c.UnimplementedCall(t.Context(), &grpc_testing.Empty{}); status.Code(err) != codes.Unimplemented {
		t.Errorf("got %v", err)
	}
}

func serverStreaming(t *testing.T, c grpc_testing.TestServiceClient) {
	s, err := c.StreamingOutputCall(t.Context(), &grpc_testing.StreamingOutputCallRequest{Payload: payload("again")})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		if m, err := s.Recv(); err != nil || string(m.Payload.Body) != "again" {
			t.Fatalf("message %d: %v, %v", i, m, err)
		}
	}
	if _, err := s.Recv(); status.Code(err) != codes.OutOfRange {
		t.Errorf("the end is %v", err)
	}
}

func clientStreaming(t *testing.T, c grpc_testing.TestServiceClient) {
	s, err := c.StreamingInputCall(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		if err := s.Send(&grpc_testing.StreamingInputCallRequest{Payload: payload(long[:100_000])}); err != nil {
			t.Fatal(err)
		}
	}
	if m, err := s.CloseAndRecv(); err != nil || m.AggregatedPayloadSize != 2_000_000 {
		t.Errorf("got %v, %v", m, err)
	}
}

func fullDuplex(t *testing.T, c grpc_testing.TestServiceClient) {
	s, err := c.FullDuplexCall(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		body := strings.Repeat("ping", i*1000)
		if err := s.Send(&grpc_testing.StreamingOutputCallRequest{Payload: payload(body)}); err != nil {
			t.Fatal(err)
		}
		if m, err := s.Recv(); err != nil || string(m.Payload.Body) != body {
			t.Fatalf("message %d: %v", i, err)
		}
	}
	s.CloseSend()
	if _, err := s.Recv(); err != io.EOF {
		t.Errorf("the end is %v", err)
	}
}

func givingUp(t *testing.T, c grpc_testing.TestServiceClient, left <-chan struct{}) {
	ctx, cancel := context.WithCancel(t.Context())
	s, err := c.HalfDuplexCall(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Header(); err != nil {
		t.Fatal(err)
	}
	cancel()
	<-left
	if _, err := s.Recv(); status.Code(err) != codes.Canceled {
		t.Errorf("got %v", err)
	}
}

func TestGRPCIsReplayed(t *testing.T) {
	w := newWorld(t, http2App, serving2(t, "near", "ams", replays("region=gru")), grpcMachine(t, "far", "gru", &grpcService{}))
	c := w.call(insecure.NewCredentials())
	resp, err := c.UnaryCall(t.Context(), &grpc_testing.SimpleRequest{Payload: payload(long)})
	if err != nil || string(resp.Payload.Body) != long {
		t.Errorf("unary: %v", err)
	}
	wantWay(t, w.record(), "near", "far")
	clientStreaming(t, c)
	wantWay(t, w.record(), "near", "far")
	fullDuplex(t, c)
	wantWay(t, w.record(), "near", "far")
	if _, err := c.EmptyCall(t.Context(), &grpc_testing.Empty{}); status.Code(err) != codes.NotFound {
		t.Errorf("an error: %v", err)
	}
}

func TestGRPCFailuresOfTheEdgeHaveACode(t *testing.T) {
	w := newWorld(t, http2App, refusing(t, "near", "ams"))
	_, err := w.call(insecure.NewCredentials()).EmptyCall(t.Context(), &grpc_testing.Empty{})
	if status.Code(err) != codes.Unavailable {
		t.Errorf("got %v", err)
	}
	if r := w.record(); r.Status != http.StatusServiceUnavailable && r.Status != http.StatusBadGateway {
		t.Errorf("the record says %+v", r)
	}
}
