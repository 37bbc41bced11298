// Package advice says what is wrong with what devices send, and what to write instead. A hint is right or absent, and a
// sample that is taken costs nothing here.
//
//   - of a whole payload in another format or encoding: [Payload], [Encoded] and [UTF16] (`foreign.go`,
//     `lookalike.go`)
//   - of a place where a text is no JSON any more: [Syntax] (`place.go`), and of one member there: [BadMember],
//     [Unquoted] (`syntax.go`)
//   - of a sample whose members have other names: [Missing] (`shape.go`)
//   - of a value: [Value] (`numerals.go`), [NotNumeric] (`words.go`)
//   - of a unit: [Unit] (`units.go`, `amounts.go`)
//   - of a time: [Time] (`times.go`)
//
// A number to write is only told where the text can mean no other: 1,234 is 1234 to some and a thousandth of it to
// others.
package advice
