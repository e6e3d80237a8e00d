package replay

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"homing/machine"
	"homing/region"
)

// Format writes the header form. It fails where a field could not be read back:
// a State with ";", a control character or blanks at its ends, a name that
// breaks its own rules, a negative Timeout, an unknown Fallback, a Transform. Cache
// is not part of it, see [CacheOrder.SetHeaders]. The zero value is written
// elsewhere=false, since an empty header asks for nothing.
func (in Instruction) Format() (string, error) {
	if err := in.check(); err != nil {
		return "", err
	}
	if !in.Transform.IsZero() {
		return "", errors.New("replay: transform: only the JSON form can hold it")
	}
	b := make(fieldText, 0, usual)
	regions := in.regionList()
	if len(in.Regions) > 1 {
		regions = `"` + regions + `"`
	}
	b = b.add("region", regions)
	b = b.add("instance", string(in.Instance))
	b = b.add("prefer_instance", string(in.PreferInstance))
	b = b.add("app", string(in.App))
	b = b.add("state", in.State)
	if in.Elsewhere {
		b = b.add("elsewhere", "true")
	}
	b = b.add("timeout", formatTimeout(in.Timeout))
	b = b.add("fallback", in.Fallback.String())
	if len(b) == 0 {
		b = b.add("elsewhere", "false")
	}
	return string(b), nil
}

// jsonForm is the JSON form with its fields in the order they are written.
type jsonForm struct {
	Region         string         `json:"region,omitempty"`
	Instance       machine.ID     `json:"instance,omitempty"`
	PreferInstance machine.ID     `json:"prefer_instance,omitempty"`
	App            machine.App    `json:"app,omitempty"`
	State          string         `json:"state,omitempty"`
	Elsewhere      bool           `json:"elsewhere,omitempty"`
	Timeout        string         `json:"timeout,omitempty"`
	Fallback       string         `json:"fallback,omitempty"`
	Transform      *jsonTransform `json:"transform,omitempty"`
	Cache          *jsonCache     `json:"cache,omitempty"`
}

type jsonTransform struct {
	Path          string          `json:"path,omitempty"`
	DeleteHeaders []string        `json:"delete_headers,omitempty"`
	SetHeaders    []jsonSetHeader `json:"set_headers,omitempty"`
}

type jsonSetHeader struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type jsonCache struct {
	Prefix      string `json:"prefix,omitempty"`
	TTL         int64  `json:"ttl,omitempty"`
	Invalidate  bool   `json:"invalidate,omitempty"`
	AllowBypass bool   `json:"allow_bypass,omitempty"`
}

// FormatJSON writes the JSON form, on one line, to be sent with [ContentType]. It
// fails where [ParseJSON] would not read the same back.
func (in Instruction) FormatJSON() ([]byte, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	form := jsonForm{
		Region: in.regionList(), Instance: in.Instance, PreferInstance: in.PreferInstance, App: in.App, State: in.State,
		Elsewhere: in.Elsewhere, Timeout: formatTimeout(in.Timeout), Fallback: in.Fallback.String(),
	}
	if t := in.Transform; !t.IsZero() {
		form.Transform = &jsonTransform{Path: t.Path, DeleteHeaders: t.DeleteHeaders}
		for _, h := range t.SetHeaders {
			form.Transform.SetHeaders = append(form.Transform.SetHeaders, jsonSetHeader(h))
		}
	}
	if o := in.Cache; !o.IsZero() {
		form.Cache = &jsonCache{o.Pattern.String(), int64(o.TTL / time.Second), o.Invalidate, o.AllowBypass}
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(form); err != nil {
		return nil, fmt.Errorf("replay: %w", err)
	}
	text := bytes.TrimSuffix(b.Bytes(), []byte("\n"))
	switch {
	case !utf8.ValidString(in.State):
		return nil, errors.New("replay: state: is not UTF-8, and JSON cannot hold it")
	case in.Transform.hasInvalidUTF8():
		return nil, errors.New("replay: transform.set_headers: a value is not UTF-8, and JSON cannot hold it")
	case len(text) > MaxJSON:
		return nil, fmt.Errorf("replay: the JSON form is longer than %d KiB", MaxJSON>>10)
	}
	return text, nil
}

// check reports what neither form could be read back with.
func (in Instruction) check() error {
	for _, c := range in.Regions {
		if p, err := region.Parse(string(c)); err != nil || p != c {
			return fmt.Errorf("replay: region %q cannot be written", clip(string(c)))
		}
	}
	for _, f := range [...]struct{ name, value string }{
		{"instance", string(in.Instance)}, {"prefer_instance", string(in.PreferInstance)}, {"app", string(in.App)},
	} {
		if _, err := machine.ParseID(f.value); f.value != "" && err != nil {
			return fmt.Errorf("replay: %s: %w", f.name, err)
		}
	}
	if err := checkState(in.State); err != nil {
		return fmt.Errorf("replay: state: %w", err)
	}
	if in.Timeout < 0 {
		return fmt.Errorf("replay: timeout %v is negative", in.Timeout)
	}
	if int(in.Fallback) >= len(fallbackNames) {
		return fmt.Errorf("replay: unknown fallback %v", in.Fallback)
	}
	field, err := in.Transform.check()
	if err == nil {
		field, err = in.Cache.check()
	}
	if err != nil {
		return fmt.Errorf("replay: %s: %w", field, err)
	}
	return nil
}

func (in Instruction) regionList() string {
	list := make([]string, len(in.Regions))
	for i, c := range in.Regions {
		list[i] = string(c)
	}
	return strings.Join(list, ",")
}

// formatTimeout never writes "µs", whose first letter is not ASCII: proxies may
// drop such a header.
func formatTimeout(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return strings.Replace(d.String(), "µ", "u", 1)
}

// checkState reports why a state cannot travel raw in a header.
func checkState(s string) error {
	if trim(s) != s {
		return fmt.Errorf("cannot begin or end with a blank")
	}
	for i := range len(s) {
		if s[i] == ';' || s[i] < ' ' && s[i] != '\t' || s[i] == 0x7f {
			return fmt.Errorf("cannot hold %q", s[i])
		}
	}
	return nil
}

// fieldText is fields joined as name=value;name=value. It leaves out empty ones, and
// those that could not be read back: with a ";" in it, one would forge the others.
type fieldText []byte

// usual is as long as most headers are: the text of those costs no memory but what it
// is returned in.
const usual = 160

func (b fieldText) add(name, value string) fieldText {
	if value == "" || checkState(value) != nil {
		return b
	}
	return append(b.name(name), value...)
}

func (b fieldText) addInt(name string, n int64) fieldText {
	return strconv.AppendInt(b.name(name), n, 10)
}

func (b fieldText) name(name string) fieldText {
	if len(b) > 0 {
		b = append(b, ';')
	}
	return append(append(b, name...), '=')
}
