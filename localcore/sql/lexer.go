package sql

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

type kind byte

const (
	end    kind = iota
	word        // a name or a keyword
	number      // an unsigned number
	quoted      // a string literal
	symbol      // an operator or another character
	broken      // text is what is wrong
)

// A token is one word of SQL. Its column counts characters from 1.
type token struct {
	kind   kind
	text   string // as written, of a quoted one without its quotes
	column int
	quote  byte // of a quoted one
	start  int  // in the text, in bytes
}

// is reports whether the token is that symbol or keyword, keywords in any case.
func (t token) is(text string) bool {
	return t.kind == symbol && t.text == text || t.kind == word && strings.EqualFold(t.text, text)
}

// unsupported is what AWS's SQL has beyond this one, by the words and symbols that begin it, in upper case
// (iot-sql-reference).
var unsupported = map[string]string{
	"CASE": "CASE", "IN": "IN", "EXISTS": "EXISTS", "SET": "SET", "SELECT": "a nested SELECT", "@": "a variable",
	"{": "an object literal",
}

func (t token) unwanted(want string) error {
	if what := unsupported[strings.ToUpper(t.text)]; what != "" && (t.kind == word || t.kind == symbol) {
		return t.errorf("%s is not supported here", what)
	}
	switch t.kind {
	case broken:
		return t.errorf("%s", t.text)
	case end:
		return t.errorf("got the end, want %s", want)
	case quoted:
		return t.errorf("got the string %.40q, want %s", t.text, want)
	}
	return t.errorf("got %.40q, want %s", t.text, want)
}

func (t token) errorf(format string, args ...any) error {
	return fmt.Errorf("column %d: %w", t.column, fmt.Errorf(format, args...))
}

// A lexer reads tokens one by one. Copying it is looking ahead.
type lexer struct {
	whole, rest string
	at          int // column of rest
}

func newLexer(text string) lexer { return lexer{text, text, 1} }

// take passes over n bytes and counts their characters: each is counted once, so that long text stays cheap.
func (l *lexer) take(n int) string {
	text := l.rest[:n]
	l.rest = l.rest[n:]
	l.at += utf8.RuneCountInString(text)
	return text
}

func (l *lexer) next() token {
	l.take(len(l.rest) - len(strings.TrimLeft(l.rest, " \t\r\n")))
	t := token{column: l.at, start: len(l.whole) - len(l.rest)}
	if l.rest == "" {
		return t
	}
	switch c := l.rest[0]; {
	case isLetter(c):
		t.kind, t.text = word, l.take(prefix(l.rest, isWord))
	case isDigit(c):
		return l.readNumber(t)
	case c == '\'' || c == '"':
		return l.readString(t, c)
	default:
		t.kind, t.text = symbol, l.take(symbolLength(l.rest))
	}
	return t
}

func symbolLength(s string) int {
	for _, two := range []string{"<>", "<=", ">=", "!="} {
		if strings.HasPrefix(s, two) {
			return 2
		}
	}
	_, n := utf8.DecodeRuneInString(s)
	return n
}

// numberText is JSON's grammar without the sign, and with leading zeros.
var numberText = regexp.MustCompile(`^\d+(\.\d+)?([eE][+-]?\d+)?`)

func (l *lexer) readNumber(t token) token {
	t.kind, t.text = number, l.take(len(numberText.FindString(l.rest)))
	if more := prefix(l.rest, isWord); more > 0 {
		t.kind, t.text = broken, fmt.Sprintf("%.40q: a name must begin with a letter, try: get(*, 'name')", t.text+
			l.take(more))
	}
	return t
}

// readString reads a string literal. What a backslash means in one is documented nowhere, so there is none.
func (l *lexer) readString(t token, quote byte) token {
	t.quote = quote
	text := l.rest[1:]
	i := strings.IndexByte(text, quote)
	if i < 0 {
		t.kind, t.text = broken, fmt.Sprintf("string %.40q has no closing quote %c", text, quote)
		l.take(len(l.rest))
		return t
	}
	t.kind, t.text = quoted, text[:i]
	l.take(i + 2)
	switch {
	case strings.Contains(t.text, `\`):
		t.kind, t.text = broken, fmt.Sprintf("string %.40q: a backslash is not supported here", t.text)
	case !utf8.ValidString(t.text):
		t.kind, t.text = broken, fmt.Sprintf("string %.40q: not UTF-8 text", t.text)
	}
	return t
}

// prefix is the length of what s begins with of such bytes.
func prefix(s string, is func(byte) bool) int {
	for i := range len(s) {
		if !is(s[i]) {
			return i
		}
	}
	return len(s)
}

func isDigit(c byte) bool  { return '0' <= c && c <= '9' }
func isLetter(c byte) bool { return c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }
func isWord(c byte) bool   { return isLetter(c) || isDigit(c) }
