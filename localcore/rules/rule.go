// Package rules is IoT Core's rules engine for metrics and logs. Its one promise: a rule file that loads does here
// what it does in AWS, and one that asks for what is not built is refused when it is loaded; what of it is skipped on
// request is told.
package rules

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"piway/localcore/sql"
	"piway/localcore/strict"
)

// maxRule is IoT Core's quota of a rule's SQL, actions and error action together.
const maxRule = 128 * 1024

// A Rule is one topic rule. It does not change after it was parsed.
type Rule struct {
	// Name is what Basic Ingest topics and failures call the rule.
	Name string
	// Warnings are what of the file does nothing here, or not the same.
	Warnings []string
	text     string // of the SQL
	version  sql.Version
	query    sql.Query
	disabled bool
	actions  []action
	onError  action // nil: none
}

var ruleName = regexp.MustCompile(`^[a-zA-Z0-9_]{1,128}$`) // AWS::IoT::TopicRule RuleName

// Load reads a file in the form of `aws iot create-topic-rule --topic-rule-payload`, or what `aws iot get-topic-rule`
// prints or `--cli-input-json` takes. A rule that the file does not name has the file's own name without .json, a
// hyphen read as an underscore. Foreign actions are skipped, or refused. Errors name the file and the member that is
// wrong.
func Load(path string, skipForeign bool) (*Rule, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err // names the path
	}
	name := strings.ReplaceAll(strings.TrimSuffix(filepath.Base(path), ".json"), "-", "_")
	r, err := parse(name, text, skipForeign)
	if err != nil {
		return nil, fmt.Errorf("loading rule %s: %w", path, err)
	}
	return r, nil
}

// Parse reads the text of a rule file, with the name of a rule that has none in it.
func Parse(name string, text []byte) (*Rule, error) { return parse(name, text, false) }

func parse(name string, text []byte, skipForeign bool) (*Rule, error) {
	text, beside := strict.Unwrap(text, "topicRulePayload", "rule")
	if len(text) > maxRule {
		return nil, fmt.Errorf("rule: %d bytes, IoT Core takes %d", len(text), maxRule)
	}
	top := strict.Read("rule", text, "sql", "awsIotSqlVersion", "ruleDisabled", "description", "actions", "errorAction",
		"ruleName", "createdAt")
	if !top.Has("ruleName") && beside["ruleName"] != nil {
		top.Members["ruleName"] = beside["ruleName"]
	}
	r := &Rule{Name: cmp.Or(top.Text("ruleName"), name), disabled: top.Bool("ruleDisabled")}
	if !ruleName.MatchString(r.Name) {
		return nil, fmt.Errorf("rule name %q: AWS takes 1 to 128 letters, digits and underscores, try: another file name, "+
			"such as topic_rule.json", r.Name)
	}
	top.Text("description")
	r.readSQL(top)
	r.readActions(top, skipForeign)
	if err := top.Err(); err != nil {
		return nil, err
	}
	return r, nil
}

func (r *Rule) readSQL(top strict.Object) {
	version := top.Text("awsIotSqlVersion")
	switch r.version = sql.Version(version); r.version {
	case sql.V2016, sql.V2015:
	case "beta":
		r.version = sql.V2016
		r.Warnings = append(r.Warnings, "awsIotSqlVersion: beta is taken for "+string(sql.V2016)+" here")
	case "":
		r.version = sql.V2015 // the default of the API and of CloudFormation
	default:
		top.Fail("awsIotSqlVersion", "%.20q: not a version that is known here, try: %s", version, sql.V2016)
	}
	var err error
	r.text = top.NeedText("sql")
	if r.query, err = sql.Parse(r.text, r.version); err != nil {
		top.Fail("sql", "%w", err)
	}
}
