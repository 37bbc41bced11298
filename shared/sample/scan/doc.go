// Package scan takes foreign text apart by its characters, and judges nothing: where strings and brackets end, what
// nobody sees around a word, and how a part of it is quoted in an error. Each does so in one pass.
package scan
