// Package rules is IoT Core's rules engine for metrics. Its one promise: a rule file that loads does here what it does
// in AWS, and one that asks for what is not built is refused when it is loaded, never half obeyed.
package rules

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// A Rule is one topic rule. It does not change after it was parsed.
type Rule struct {
	// Name is what Basic Ingest topics and failures call the rule.
	Name     string
	filter   Filter
	disabled bool
	actions  []action
}

var ruleName = regexp.MustCompile(`^[a-zA-Z0-9_]{1,128}$`) // AWS::IoT::TopicRule RuleName

// Load reads a file in the form of `aws iot create-topic-rule --topic-rule-payload`. AWS gives a rule its name outside of
// that file; here it is the file's own name without .json, a hyphen read as an underscore.
// Errors name the file and the member that is wrong.
func Load(path string) (*Rule, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err // names the path
	}
	name := strings.ReplaceAll(strings.TrimSuffix(filepath.Base(path), ".json"), "-", "_")
	r, err := Parse(name, text)
	if err != nil {
		return nil, fmt.Errorf("loading rule %s: %w", path, err)
	}
	return r, nil
}

// Parse reads the text of a rule file.
func Parse(name string, text []byte) (*Rule, error) {
	if !ruleName.MatchString(name) {
		return nil, fmt.Errorf("rule name %q: AWS takes 1 to 128 letters, digits and underscores, try: another file name, such as topic_rule.json", name)
	}
	top, err := readObject("", text, "sql", "awsIotSqlVersion", "ruleDisabled", "description", "actions", "errorAction")
	if err != nil {
		return nil, err
	}
	r := &Rule{Name: name}
	if r.filter, err = readSQL(top); err != nil {
		return nil, err
	}
	if r.disabled, err = top.boolean("ruleDisabled"); err != nil {
		return nil, err
	}
	if _, err := top.text("description"); err != nil {
		return nil, err
	}
	if r.actions, err = readActions(top); err != nil {
		return nil, err
	}
	if err := checkErrorAction(top); err != nil {
		return nil, err
	}
	return r, nil
}

func readSQL(top object) (Filter, error) {
	version, err := top.text("awsIotSqlVersion")
	if err != nil {
		return Filter{}, err
	}
	switch version {
	case "2016-03-23", "2015-10-08", "": // the default is 2015-10-08
	default:
		return Filter{}, fmt.Errorf("awsIotSqlVersion %q: not a version that is known here, try: 2016-03-23", version)
	}
	sql, err := top.needText("sql")
	if err != nil {
		return Filter{}, err
	}
	f, err := ParseSQL(sql)
	if err != nil {
		return Filter{}, fmt.Errorf("sql: %w", err)
	}
	return f, nil
}
