// A host in 20 lines: shows events to a rule, through swaps, crashes and restarts of the plugin.
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"google.golang.org/grpc"

	"pluginmgr.dev/clients/go"
	"pluginmgr.dev/clients/go/kindsv1"
)

func main() {
	ctx := context.Background()
	pool, err := pluginmgr.Follow(ctx, os.Args[1], pluginmgr.Options{Host: "example"})
	if err != nil {
		log.Fatal(err)
	}
	defer pool.Close()
	events := &kindsv1.EvaluateBatchRequest{Events: []*kindsv1.Event{{Json: `{"user": "mallory"}`}}}
	err = pool.Call(ctx, "rule/failed-login", func(ctx context.Context, conn *grpc.ClientConn) error {
		answer, err := kindsv1.NewRuleClient(conn).EvaluateBatch(ctx, events)
		for _, item := range answer.GetItems() {
			fmt.Println(item.GetMatched(), item.GetTitle())
		}
		return err
	}, pluginmgr.Idempotent())
	if err != nil {
		log.Print(err)
	}
}
