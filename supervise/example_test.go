//go:build unix

package supervise_test

import (
	"context"
	"fmt"

	"homing/supervise"
)

func ExampleProcess_RunOnce() {
	values := supervise.Values{"region": "gru", "dir": "/srv/my app"}
	line, err := values.ExpandShell("echo {region}: {dir}; exit 3")
	if err != nil {
		fmt.Println(err)
		return
	}
	p, err := supervise.New(supervise.Config{
		Shell:  line,
		Output: func(l supervise.Line) { fmt.Println(l.Text) },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	exit, err := p.RunOnce(context.Background())
	fmt.Println(exit.Code, err)
	// Output:
	// gru: /srv/my app
	// 3 <nil>
}
