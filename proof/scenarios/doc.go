// Package scenarios tells Piway's promises as stories, one in each .txtar file. The real programs play them.
//
// The language is that of testscript (go doc github.com/rogpeppe/go-internal/testscript) with a few words more:
//
//	start aws [FLAG...]        piway-localcore, which stands in for AWS
//	start gateway [CONFIG]     piway-gateway with its configuration, gateway.yaml if none is named
//	start agent [CONFIG]       piway-agent with its configuration, agent.yaml if none is named
//	start mosquitto_sub ARG... a subscriber
//	earlier COMMIT             an earlier version: start earlier-gateway, start earlier-agent; in the long form only
//	crash NAME                 SIGKILL
//	cut NAME, mend NAME        let nothing through to NAME, without a word to anybody; and let it through again
//	disk FOLDER SIZE           a small disk at the folder
//	[!] metric NAME            what CloudWatch has of a metric: a line "VALUE UNIT" for each datapoint; ! for nothing
//	await PATTERN COMMAND...   repeat the command, a program or metric, until it prints what matches the pattern
//	read NAME FILE             make the content of a file the variable NAME
//
// What was started is called aws or mosquitto_sub, or as its configuration's file. Its log is NAME.log. Its address is
// $NAME, also in the configurations, from the beginning and over restarts. A gateway's $NAME is for plain devices; TLS is
// at ${NAME}_tls.
package scenarios
