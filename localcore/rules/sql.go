package rules

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// ParseSQL reads a rule's SQL and returns what it selects from. All that is supported is
//
//	SELECT * FROM 'topic/filter'
//
// with keywords in any case and any white space. An error says at which column (in characters, from 1) and what was wanted.
func ParseSQL(text string) (Filter, error) {
	s := scanner{rest: text, column: 1}
	for _, want := range []string{"SELECT", "*", "FROM"} {
		if t := s.next(); !strings.EqualFold(t.text, want) {
			return Filter{}, t.unwanted(want)
		}
	}
	from := s.next()
	quoted, ok := strings.CutPrefix(from.text, "'")
	if !ok {
		return Filter{}, from.unwanted("a topic filter in single quotes")
	}
	name, ok := strings.CutSuffix(quoted, "'")
	if !ok {
		return Filter{}, from.unwanted("a closing single quote")
	}
	f, err := ParseFilter(name)
	if err != nil {
		return Filter{}, fmt.Errorf("column %d: %w", from.column, err)
	}
	if t := s.next(); t.text != "" {
		return Filter{}, t.unwanted("the end")
	}
	return f, nil
}

// A token is a word, a quoted string with its quotes, or one other character; "" is the end.
type token struct {
	text   string
	column int
}

func (t token) unwanted(want string) error {
	got := "the end"
	if t.text != "" {
		got = fmt.Sprintf("%.40q", t.text)
	}
	return fmt.Errorf("column %d: got %s, want %s, try: SELECT * FROM 'topic/filter', the only SQL that is supported",
		t.column, got, want)
}

type scanner struct {
	rest   string
	column int
}

func (s *scanner) next() token {
	s.take(len(s.rest) - len(strings.TrimLeft(s.rest, " \t\r\n")))
	t := token{column: s.column}
	t.text = s.take(s.length())
	return t
}

// length is the number of bytes of the token that rest begins with.
func (s *scanner) length() int {
	if n := len(s.rest) - len(strings.TrimLeftFunc(s.rest, isWord)); n > 0 {
		return n
	}
	if quoted, ok := strings.CutPrefix(s.rest, "'"); ok {
		if i := strings.IndexByte(quoted, '\''); i >= 0 {
			return i + 2
		}
		return len(s.rest) // unclosed
	}
	_, n := utf8.DecodeRuneInString(s.rest)
	return n
}

func (s *scanner) take(n int) string {
	text := s.rest[:n]
	s.rest = s.rest[n:]
	s.column += utf8.RuneCountInString(text)
	return text
}

func isWord(r rune) bool { return r == '_' || isLetter(r) || '0' <= r && r <= '9' }

func isLetter(r rune) bool { return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' }
