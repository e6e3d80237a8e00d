package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"homing/region"
	"homing/replay"
)

func explainCommand(out, errOut io.Writer) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "explain INSTRUCTION",
		Short: "Say what a fly-replay header means, or what is wrong with it",
		Long: `Says in words what an answer's fly-replay header asks for, or what is wrong with
it and where. With --json it reads the JSON form from standard input. A state is
never shown.`,
		Example: `  homing explain 'region="iad,any";timeout=5s'
  homing explain --json < replay.json`,
		Args: func(_ *cobra.Command, args []string) error {
			if asJSON && len(args) > 0 {
				return errors.New("explain --json reads standard input and takes no argument")
			}
			if !asJSON && len(args) != 1 {
				return errors.New(`explain wants one instruction in quotes: homing explain 'region="iad,any";timeout=5s'`)
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if asJSON {
				text, err := io.ReadAll(io.LimitReader(cmd.InOrStdin(), replay.MaxJSON+1))
				if err != nil {
					return fmt.Errorf("standard input: %w", err)
				}
				in, err := replay.ParseJSON(text)
				return explain(out, errOut, in, jsonSource(string(text)), err)
			}
			value := withoutHeaderName(args[0])
			in, err := replay.Parse(value)
			return explain(out, errOut, in, headerSource(value), err)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "read the JSON form from standard input")
	return cmd
}

// withoutHeaderName lets a whole line be pasted from a log or from curl.
func withoutHeaderName(s string) string {
	name, value, found := strings.Cut(s, ":")
	if found && strings.EqualFold(strings.TrimSpace(name), replay.Header) {
		return strings.TrimSpace(value)
	}
	return s
}

// explain writes what in means; or if it could not be read, shows where and
// returns why.
func explain(out, errOut io.Writer, in replay.Instruction, from source, err error) error {
	var syntax *replay.SyntaxError
	if errors.As(err, &syntax) {
		fmt.Fprint(errOut, from.pointAt(syntax))
		return err
	}
	if err != nil {
		return err
	}
	for _, line := range meaning(in) {
		fmt.Fprintln(out, line)
	}
	return nil
}

// meaning is what an instruction says, in lines of a name and a text.
func meaning(in replay.Instruction) []string {
	var w lines
	w.add("deliver to", target(in)...)
	if in.PreferInstance != "" && in.Instance == "" {
		w.add("", fmt.Sprintf("whoever stands in for %s is told", in.PreferInstance), "fly-preferred-instance-unavailable")
	}
	if in.App != "" {
		w.add("app", string(in.App)+"; in another organisation, only if that one allows it")
	} else {
		w.add("app", "the same")
	}
	if in.Timeout > 0 {
		w.add("time to reach it", in.Timeout.String()+"; the answer itself may take longer")
	} else {
		w.add("time to reach it", "8s if it is named and not ready yet, the edge's default")
	}
	w.add("if unreachable", fallback(in)...)
	w.add("request", changes(in)...)
	if in.State != "" {
		w.add("state", fmt.Sprintf("(set, %s)", size(len(in.State))), "handed on in fly-replay-src")
	}
	w.add("cache", caching(in)...)
	return w
}

// target says which machines may take the request.
func target(in replay.Instruction) []string {
	var text []string
	switch {
	case in.Instance != "":
		text = append(text, fmt.Sprintf("machine %s and no other", in.Instance))
	case in.PreferInstance != "":
		text = append(text, fmt.Sprintf("machine %s if it can take the request, else", in.PreferInstance))
	}
	for i, c := range in.Regions {
		line := place(c)
		if len(in.Regions) > 1 {
			line = fmt.Sprintf("%d. %s", i+1, line)
		}
		if in.Instance != "" {
			line = "which must be in " + line
		}
		text = append(text, line)
	}
	if len(in.Regions) == 0 && in.Instance == "" {
		text = append(text, "the nearest machine that can take it")
	}
	if in.Elsewhere {
		text = append(text, "never the machine that asked")
	}
	return text
}

var aliasNames = map[region.Code]string{
	"apac": "Asia and the Pacific", "eu": "Europe", "na": "North America", "sa": "South America",
	"us": "the United States", "usa": "the United States",
}

// place spells a region or an alias out.
func place(c region.Code) string {
	if c == "any" {
		return "any   anywhere, the nearest first"
	}
	if c.IsAlias() {
		var members []string
		for _, r := range region.Known() {
			if c.Includes(r) {
				members = append(members, string(r))
			}
		}
		return fmt.Sprintf("%-5s anywhere in %s: %s", c, aliasNames[c], strings.Join(members, " "))
	}
	if p, known := c.Place(); known {
		return fmt.Sprintf("%-5s %s", c, p.City)
	}
	text := fmt.Sprintf("%-5s a region of your own", c)
	if s, ok := region.Suggest(string(c)); ok {
		text += fmt.Sprintf("; did you mean %s (%s)?", s, s.City())
	}
	return text
}

// fallback says what becomes of a request that cannot be delivered.
func fallback(in replay.Instruction) []string {
	told := "It is told why in fly-replay-failed, and cannot replay again."
	switch in.Fallback {
	case replay.ForceSelf:
		return []string{"back to the machine that asked, or an error for the client.", told}
	case replay.PreferSelf:
		return []string{"back to the machine that asked, or to any of its app.", told}
	}
	return []string{"the client gets an error, 502 to 504; Homing-Error says which"}
}

// changes says how the request differs when it arrives. Values of headers may be
// credentials: only their length is shown.
func changes(in replay.Instruction) []string {
	t := in.Transform
	if t.IsZero() {
		return []string{"as the client sent it, with its whole body"}
	}
	text := []string{"with its whole body, and"}
	if t.Path != "" {
		text = append(text, "path "+t.Path)
	}
	for _, name := range t.DeleteHeaders {
		text = append(text, "without the header "+name)
	}
	for _, h := range t.SetHeaders {
		text = append(text, fmt.Sprintf("header %s: (set, %s)", h.Name, size(len(h.Value))))
	}
	return text
}

// caching says what the replay cache makes of it.
func caching(in replay.Instruction) []string {
	o := in.Cache
	if o.Invalidate {
		return []string{"what is cached for this request is forgotten"}
	}
	if err := in.Cacheable(); err != nil {
		return []string{"never: " + err.Error()}
	}
	if o.Pattern.Path == "" {
		return []string{"only by the app's settings for sessions, if it has any"}
	}
	if o.TTL < replay.MinCacheTTL {
		return []string{fmt.Sprintf("not for %v: the least is %v", o.TTL, replay.MinCacheTTL)}
	}
	text := []string{fmt.Sprintf("for %v, requests to %s go there unasked", o.TTL.Round(time.Second), o.Pattern)}
	if o.AllowBypass {
		text = append(text, "clients may skip it: fly-replay-cache-control: skip")
	}
	return text
}

func size(n int) string {
	if n == 1 {
		return "1 byte"
	}
	return fmt.Sprintf("%d bytes", n)
}
