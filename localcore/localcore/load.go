package localcore

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"piway/configs/aws"
	"piway/localcore/broker"
	"piway/localcore/policy"
	"piway/localcore/rules"
	"piway/shared/config"
	"piway/shared/prices"
)

// What the files in configs/aws are rendered for.
const (
	defaultRegion  = "us-east-1"
	defaultAccount = "123456789012"
	defaultGroup   = "/piway/metrics"
	// defaultRetention keeps events that are as old as CloudWatch takes metrics.
	defaultRetention = 14
)

// loaded is what the files of a Config hold.
type loaded struct {
	rules     []*rules.Rule
	policies  policy.Policies
	names     []string // of the policies in force
	warnings  []string // of what is loaded and does nothing here
	groups    map[string]int
	prices    *prices.Table
	authorize func(broker.Request) error
}

func load(cfg *Config) (l loaded, err error) {
	if err = l.loadRules(cfg); err != nil {
		return l, err
	}
	if err = l.loadPolicies(cfg); err != nil {
		return l, err
	}
	if l.groups, err = parseGroups(cfg.LogGroups); err != nil {
		return l, err
	}
	if l.prices = prices.Default(); cfg.Prices != "" {
		if l.prices, err = prices.Load(cfg.Prices); err != nil {
			err = fmt.Errorf("loading prices: %w", err)
		}
	}
	return l, err
}

// loadRules reads the files, or the built-in ones.
func (l *loaded) loadRules(cfg *Config) error {
	for _, file := range cfg.Rules {
		r, err := rules.Load(file, cfg.SkipForeignActions)
		if err != nil {
			return err
		}
		l.rules = append(l.rules, r)
		for _, w := range r.Warnings {
			l.warnings = append(l.warnings, file+": "+w)
		}
	}
	if len(cfg.Rules) > 0 {
		return nil
	}
	for name, text := range map[string][]byte{
		aws.MetricRuleName: aws.MetricRule, aws.EMFRuleName: aws.EMFRule, aws.ErrorsRuleName: aws.ErrorsRule,
	} {
		r, err := rules.Parse(name, text)
		if err != nil {
			return fmt.Errorf("loading the built-in rule %s: %w", name, err)
		}
		l.rules = append(l.rules, r)
	}
	slices.SortFunc(l.rules, func(a, b *rules.Rule) int { return strings.Compare(a.Name, b.Name) })
	return nil
}

func (l *loaded) loadPolicies(cfg *Config) error {
	for _, file := range cfg.Policies {
		p, err := policy.Load(file)
		if err != nil {
			return err
		}
		l.policies, l.names = append(l.policies, p), append(l.names, file)
	}
	if len(cfg.Policies) == 0 && cfg.BuiltInPolicy {
		p, err := policy.Parse("built-in policy", aws.Policy)
		if err != nil {
			return fmt.Errorf("loading the built-in policy: %w", err)
		}
		l.policies, l.names = policy.Policies{p}, []string{"built-in"}
	}
	if len(l.policies) == 0 {
		l.names = []string{"none, everything is allowed"}
		return nil
	}
	if err := l.policies.Check(); err != nil {
		return config.Try(err, "fewer --policy: a file can have the statements of several")
	}
	region, account := cmp.Or(cfg.Region, defaultRegion), cmp.Or(cfg.Account, defaultAccount)
	l.warnings = append(l.warnings, l.policies.Warnings(region, account)...)
	l.authorize = func(r broker.Request) error {
		return l.policies.Decide(policy.Request{
			Action: r.Action, Resource: r.Resource, Region: region, Account: account, ClientID: r.ClientID,
			Thing: cfg.Thing, Attached: cfg.Thing != "", ConnectAttributes: r.ConnectAttributes,
		})
	}
	return nil
}

// parseGroups reads NAME or NAME:DAYS.
func parseGroups(texts []string) (map[string]int, error) {
	groups := map[string]int{}
	for _, text := range texts {
		name, days, found := strings.Cut(text, ":")
		groups[name] = defaultRetention
		if !found {
			continue
		}
		n, err := strconv.Atoi(days)
		if err != nil {
			return nil, config.Try(fmt.Errorf("log group %.60q: %q is not a number of days", text, days),
				"NAME or NAME:DAYS, such as /piway/metrics:14")
		}
		groups[name] = n
	}
	return groups, nil
}

func (l *loaded) ruleNames() []string {
	names := make([]string, len(l.rules))
	for i, r := range l.rules {
		names[i] = r.Name
	}
	return names
}
