package prices_test

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"piway/shared/prices"
)

func builtIn(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile("us-east-1.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestDefault_everyFigureHasSourceAndDate(t *testing.T) {
	table := prices.Default()
	if table.Region() != "us-east-1" || len(table.Prices()) != 9 {
		t.Fatalf("got region %q with %d prices", table.Region(), len(table.Prices()))
	}
	for _, p := range table.Prices() {
		if p.Source == "" || p.Date.IsZero() || len(p.Tiers) == 0 || p.What == "" || p.Unit == "" {
			t.Errorf("%s: got %+v", p.What, p)
		}
		p.Tiers[0].USD = 99
	}
	if table.Prices()[0].Tiers[0].USD == 99 {
		t.Error("Prices shares its memory with the caller")
	}
}

func TestParse_mistakes(t *testing.T) {
	last := "0.05 to 1000000, 0.02]"
	for _, tc := range []struct{ name, old, replacement, want string }{
		{"no region", "region: us-east-1", "", "table: region: required and missing, try: us-east-1"},
		{"two regions", "region: us-east-1", "region: a\nregion: b", "table:13: region: duplicate key, first on line 12"},
		{"unknown group", "\nmessages:", "\nmesages:", `table:22: mesages: unknown key, did you mean "messages"?`},
		{"missing group", "\nmessages:", "\nmesages:", "messages: required and missing, try: price: [0]"},
		{"an empty group", "\nmessages:", "\nmessages:\nx:", "table:22: messages: required and missing, try: price: [0]"},
		{
			"group twice", "\nmessages:", "\nconnection_minutes:",
			"table:22: connection_minutes: duplicate key, first on line 14",
		},
		{"unknown key", "price: [1.00]", "prize: [1.00]", `table:23: messages.prize: unknown key, did you mean "price"?`},
		{"no value", "price: [1.00]", "price:", "table:23: messages.price: must be a list such as [a, b]"},
		{"no list", "price: [1.00]", "price: 1.00", "table:23: messages.price: must be a list such as [a, b]"},
		{
			"not a number", "price: [1.00]", "price: [$1]",
			`table:23: messages.price[0]: "$1" is not a plain number, try: 0.30`,
		},
		{"negative", "price: [1.00]", "price: [-1]", `table:23: messages.price[0]: "-1" is not a plain number`},
		{"infinite", "price: [1.00]", "price: [Inf]", `table:23: messages.price[0]: "Inf" is not a plain number`},
		{"decimal comma", "price: [1.00]", "price: ['1,00']", `table:23: messages.price[0]: "1,00" is not a plain number`},
		{
			"decimal comma without quotes", "price: [1.00]", "price: [1,00]",
			`table:23: messages.price[1]: stands behind the last tier`,
		},
		{"too many digits", "price: [1.00]", "price: [1" + strings.Repeat("0", 16) + "]", `is more than 1e+15`},
		{"no price", "  price: [1.00]\n", "", "table:22: messages.price: required and missing, try: [0]"},
		{
			"price in two last tiers", "price: [1.00]", "price: [1, 2]",
			`table:23: messages.price[1]: stands behind the last tier`,
		},
		{"tiers that descend", "0.10 to 250000", "0.10 to 10000", "metric_months.price[1]: the tier ends at 10000 and the " +
			"one before at 10000"},
		{"no last tier", last, "0.05 to 1000000]", `metric_months.price[2]: no price above 1e+06, try: a last price without "to"`},
		{"a tier up to what", last, "0.05 to much, 0.02]", `metric_months.price[2]: "much" is not a plain number`},
		{"per nothing", "per: 1000\n", "per: 0\n", "put_metric_data.per: must be more than 0"},
		{"per twice", "per: 1000\n", "per: 1\n  per: 1\n", "put_metric_data.per: duplicate key"},
		{"free below nothing", "free_always: 5", "free_always: -5", "log_gigabytes.free_always: must be between 0 and " +
			"1e+15, got -5"},
		{
			"free without end", "free_first_year: 500000", "free_first_year: 1e16",
			"messages.free_first_year: must be between 0 and 1e+15",
		},
		{"free for how long", "free_always: 5", "free: 5", "log_gigabytes.free: unknown key"},
		{"no source", "source: copy of", "# source: copy of", "metric_months.source: required and missing"},
		{"no date", "date: 2022-04-29", "", "metric_months.date: required and missing"},
		{
			"a date of another kind", "date: 2022-04-29", "date: 29.4.2022",
			`metric_months.date: "29.4.2022" is not a date, try: 2026-09-20`,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			text := builtIn(t)
			if !strings.Contains(text, tc.old) {
				t.Fatalf("the table has no %q", tc.old)
			}
			_, err := prices.Parse("table", []byte(strings.Replace(text, tc.old, tc.replacement, 1)))
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v\nwant …%s…", err, tc.want)
			}
		})
	}
}

func TestParse_tellsAllMistakes(t *testing.T) {
	_, err := prices.Parse("table", []byte("region: x\nmessages:\n  price: [a]\n  per: b\n  date: c\n"))
	if err == nil {
		t.Fatal("got no error")
	}
	// Two numbers, the date, the missing source, and six missing groups.
	if got := strings.Count(err.Error(), "\n") + 1; got != 10 {
		t.Errorf("got %d mistakes, want 10:\n%v", got, err)
	}
}

func TestLoad(t *testing.T) {
	path := filepath.Join(t.TempDir(), "eu.yaml")
	text := strings.NewReplacer("us-east-1", "eu-west-1", "price: [0.50]", "price: [0.57]").Replace(builtIn(t))
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	table, err := prices.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := table.Month(prices.Usage{LogGB: 100}).Total; table.Region() != "eu-west-1" || math.Abs(got-57) > 1e-9 {
		t.Errorf("got %s, %v USD, want eu-west-1, 57", table.Region(), got)
	}

	if err := os.WriteFile(path, []byte("region: x\nprice: 1"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := prices.Load(path); err == nil || !strings.HasPrefix(err.Error(), path+":2: ") {
		t.Errorf("got %v, want file and line in front", err)
	}
	if _, err := prices.Load(path + "x"); err == nil || !strings.Contains(err.Error(), path+"x") {
		t.Errorf("got %v, want the file's name", err)
	}
}

// A table that is taken gives a bill of finite amounts, and more usage never costs less.
func FuzzParse(f *testing.F) {
	text := builtIn(f)
	f.Add(text, 20.0)
	f.Add(strings.Replace(text, "0.30 to 10000", "0 to 1", 1), 1e9)
	f.Add("region: x\nmessages: {price: [1 to 2, 3], free_first_year: 1}\nper: [", 1.0)
	f.Fuzz(func(t *testing.T, text string, n float64) {
		table, err := prices.Parse("fuzz", []byte(text))
		if err != nil {
			if err.Error() == "" {
				t.Error("an error without text")
			}
			return
		}
		if math.IsNaN(n) || n < 0 || n > 1e12 {
			return
		}
		u := prices.Usage{
			ConnectionMinutes: n, Messages: n, RulesTriggered: n, ActionsExecuted: n, PutMetricData: n,
			LogGB: n, MetricMonths: n,
		}
		little, much := table.Month(u), table.FirstYear(u.Times(2))
		if math.IsNaN(little.Total) || math.IsInf(much.Total, 0) || little.Total > much.Total {
			t.Errorf("got %v for %v and %v for twice that", little.Total, n, much.Total)
		}
		for _, l := range little.Lines {
			if l.Free < 0 || l.Free > l.USD {
				t.Errorf("%s: %v USD, of which %v free", l.What, l.USD, l.Free)
			}
		}
	})
}
