// Package configs holds the commented configurations, so that a program can write the one that it needs.
package configs

import _ "embed" // for the files

// Gateway is gateway.yaml. Callers must not change it.
//
//go:embed gateway.yaml
var Gateway []byte

// Agent is agent.yaml. Callers must not change it.
//
//go:embed agent.yaml
var Agent []byte
