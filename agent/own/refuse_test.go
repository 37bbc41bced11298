package own_test

import (
	"os"
	"strings"
	"testing"
	"time"
)

// One bad file costs nothing else, and each is told why beside it, as the gateway would.
func TestFolder_refusals(t *testing.T) {
	good := `{"name":"soil","unit":"None","value":31}`
	for _, tt := range []struct{ text, taken, want string }{
		{`{"name":"x","unit":"Grad","value":1}`, "", `unit "Grad": not a CloudWatch unit`},
		{`{"name":"x","unit":"None","value":"off"}`, "", `value "off": a state, not a number`},
		{`{"unit":"None","value":1}`, "", `name: missing`},
		{`{"name":"x","unit":"None","value":1,"ttl":"soon"}`, "", `ttl "soon": must be seconds`},
		{`{"name":"x","unit":"None","value":1,"ttl":0}`, "", `ttl "0": must be`},
		{`{"name":"x","unit":"None","value":1,"ttl":-3}`, "", `ttl "-3": must be`},
		{`{"name":"x","unit":"None","value":1,"ttl":1e300}`, "", `at most 366d`},
		{`{"name":"x","unit":"None","value":1,"ttl":[1]}`, "", `ttl "[1]"`},
		{`{"name":"x","unit":"None","value":1,"ttl":""}`, "x 1", ``},
		{`{"name":"cpu usage","unit":"Percent","value":1}`, "", `the agent reads that itself`},
		{`{"name":"CPU usage (kitchen)","unit":"Percent","value":1}`, "", `the agent reads that itself`},
		{`{"name":"x (kitchen)","unit":"Percent","value":1}`, "x 1", ``},
		{`{"name":"Soil","unit":"Percent","value":1}`, "", `"a-good.json" has it, and was there first`},
		{`{"name":"x","unit":"None","value":1,"time":1e12}`, "", `time`},
		{`{"samples":[{"name":"x","unit":"None","value":1}]}`, "", `write the array alone`},
		{
			`[{"name":"x","unit":"None","value":1},{"name":"y","unit":"None","value":NaN},{"name":"z","unit":"None","value":2}]`,
			"x 1, z 2", `leave the reading out`,
		},
		{"[" + strings.Repeat(`{"name":"x","unit":"None","value":1},`, 600) + "{}]", "", `601 samples in one message`},
		{strings.Repeat(" ", 64<<10) + good, "", `more than 65536 bytes`},
		{``, "", `empty`},
		{`{"name":"x`, "", `not JSON`},
		{"\xff\xfe\x00", "", `not JSON`},
		{strings.Repeat("[", 1000), "", `nested`},
	} {
		in(t, func(p *place) {
			p.write("a-good.json", good)
			p.look()
			p.write("bad.json", tt.text)
			want := "soil 31"
			if tt.taken != "" {
				want += ", " + tt.taken
			}
			p.want(want)
			p.wantRefusal("bad.json", tt.want)
			p.wantRefusal("a-good.json", "")
			if tt.want == "" {
				return
			}
			// It is told once, and to no other process again.
			p.restart()
			p.look()
			if n := p.log.Count("own readings refused"); n != 1 {
				t.Errorf("%.60s: told %d times, want once:\n%s", tt.text, n, p.log)
			}
			p.write("bad.json", `{"name":"mended","unit":"None","value":1}`)
			p.look()
			p.wantRefusal("bad.json", "")
			p.write("bad.json", tt.text)
			p.look()
			p.wantRefusal("bad.json", tt.want)
			if err := os.Remove(p.path("bad.json")); err != nil {
				t.Fatal(err)
			}
			p.want("soil 31")
			p.wantRefusal("bad.json", "")
		})
	}
}

// The refusal is that of what is in the file now, whoever removes it.
func TestFolder_refusalChanges(t *testing.T) {
	in(t, func(p *place) {
		p.write("bad.json", "[]")
		p.look()
		p.wantRefusal("bad.json", "empty array")
		p.write("bad.json", `{"name":"a","unit":"Grad","value":1}`)
		p.look()
		p.wantRefusal("bad.json", `unit "Grad"`)
		if err := os.Remove(p.path("bad.json.refused")); err != nil {
			t.Fatal(err)
		}
		p.look()
		p.wantRefusal("bad.json", `unit "Grad"`)
	})
}

// A refusal whose file went while no agent ran goes too.
func TestFolder_refusalOfNothing(t *testing.T) {
	in(t, func(p *place) {
		p.write("bad.json", "[]")
		p.look()
		p.wantRefusal("bad.json", "empty array")
		if err := os.Remove(p.path("bad.json")); err != nil {
			t.Fatal(err)
		}
		p.restart()
		p.look()
		p.wantRefusal("bad.json", "")
	})
}

// A file that is being written is looked at again; until then, what it said before holds.
func TestFolder_halfWritten(t *testing.T) {
	in(t, func(p *place) {
		p.write("door.json", door)
		p.want("door 1")
		time.Sleep(every - time.Second)
		f, err := os.OpenFile(p.path("door.json"), os.O_WRONLY|os.O_TRUNC, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteString(door[:20]); err != nil {
			t.Fatal(err)
		}
		p.date("door.json", time.Now())
		time.Sleep(time.Second - every)
		time.Sleep(time.Second)
		if got := p.folder.Read(p.t.Context(), nil); len(got) != 1 {
			t.Errorf("while it is written: got %v, want what it said before", got)
		}
		p.wantRefusal("door.json", "")
		if _, err := f.WriteString(strings.Replace(door[20:], ":1", ":0", 1)); err != nil {
			t.Fatal(err)
		}
		p.date("door.json", time.Now())
		p.want("door 0")
		if err := f.Truncate(30); err != nil {
			t.Fatal(err)
		}
		p.date("door.json", time.Now())
		p.want("")
		p.wantRefusal("door.json", "not JSON")
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
}

// The file that had a name first keeps it while that holds.
func TestFolder_sameMetricInTwoFiles(t *testing.T) {
	in(t, func(p *place) {
		p.look()
		p.write("b.json", door)
		p.want("door 1")
		p.write("a.json", strings.NewReplacer(":1", ":0", "60", "600").Replace(door))
		p.want("door 1")
		p.wantRefusal("a.json", `"b.json" has it`)
		p.write("b.json", strings.Replace(door, ":1", ":2", 1))
		p.want("door 2")
		if err := os.Remove(p.path("b.json")); err != nil {
			t.Fatal(err)
		}
		p.want("door 0")
		p.wantRefusal("a.json", "")
		// Twice in one file is the author's own wish.
		p.write("c.json", strings.ReplaceAll(`[`+door+`,`+door+`]`, "door", "c"))
		p.want("c 1, c 1, door 0")
	})
}
