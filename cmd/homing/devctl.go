package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"homing/dashboard"
)

// devControls are the subcommands for a "homing dev" that runs in another terminal.
// They ask its page.
func devControls(out io.Writer) []*cobra.Command {
	var all []*cobra.Command
	for _, a := range dashboard.Actions() {
		var c control
		use := a.Verb + " REGION"
		if a.Machines {
			use += "[/MACHINE]"
		}
		cmd := &cobra.Command{
			Use: use, Short: a.Short, Args: cobra.ExactArgs(1),
			RunE: func(cmd *cobra.Command, args []string) error { return c.turn(cmd.Context(), a.Verb, args[0]) },
		}
		c.flags(cmd)
		all = append(all, cmd)
	}
	return append(all, journeysCommand(out))
}

func journeysCommand(out io.Writer) *cobra.Command {
	var c control
	cmd := &cobra.Command{
		Use: "journeys", Short: "Print the last requests, and where each went", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.journeys(cmd.Context(), out) },
	}
	c.flags(cmd)
	return cmd
}

// control asks a page.
type control struct{ port int }

func (c *control) flags(cmd *cobra.Command) {
	cmd.Flags().IntVar(&c.port, "port", 7600, "port of the page")
}

// ask returns the answer's body.
func (c *control) ask(ctx context.Context, method, path string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, fmt.Sprintf("http://127.0.0.1:%d%s", c.port, path), nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return nil, fmt.Errorf("no page at port %d; start homing dev first, or give its page's port with --port", c.port)
	case err != nil:
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 16<<20))
	if err == nil && resp.StatusCode/100 != 2 {
		err = errors.New(strings.TrimSpace(string(body)))
	}
	return body, err
}

func (c *control) turn(ctx context.Context, verb, what string) error {
	region, machine, one := strings.Cut(what, "/")
	path := "/regions/" + url.PathEscape(region) + "/"
	if one {
		path += "machines/" + url.PathEscape(machine) + "/"
	}
	_, err := c.ask(ctx, http.MethodPost, path+verb)
	return err
}

// journeys prints a line for each request, the newest last.
func (c *control) journeys(ctx context.Context, out io.Writer) error {
	body, err := c.ask(ctx, http.MethodGet, "/journeys")
	if err == nil {
		_, err = out.Write(body)
	}
	return err
}
