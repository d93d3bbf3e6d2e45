package sample

import (
	"context"

	"google.golang.org/grpc"

	"pluginmgr.dev/clients/go/kindsv1"
)

// Applies says whether the tuning rule's action is for this alert, which came of the event.
type Applies func(event Object, alert *kindsv1.Alert) (bool, error)

// ServeTuningRule makes the program a tuning rule. Call it last in main.
func ServeTuningRule(metadata *kindsv1.TuningRuleMetadata, applies Applies) {
	serve("tuning_rule", func(server *grpc.Server) {
		kindsv1.RegisterTuningRuleServer(server, &tuningRule{metadata: metadata, applies: applies})
	})
}

type tuningRule struct {
	kindsv1.UnimplementedTuningRuleServer
	metadata *kindsv1.TuningRuleMetadata
	applies  Applies
}

func (t *tuningRule) Init(context.Context, *kindsv1.InitRequest) (*kindsv1.InitResponse, error) {
	return &kindsv1.InitResponse{}, nil
}

func (t *tuningRule) Ping(context.Context, *kindsv1.PingRequest) (*kindsv1.PingResponse, error) {
	return &kindsv1.PingResponse{}, nil
}

func (t *tuningRule) Shutdown(context.Context, *kindsv1.ShutdownRequest) (*kindsv1.ShutdownResponse, error) {
	return &kindsv1.ShutdownResponse{}, nil
}

func (t *tuningRule) GetMetadata(context.Context, *kindsv1.GetMetadataRequest) (*kindsv1.TuningRuleMetadata, error) {
	return t.metadata, nil
}

func (t *tuningRule) TuneBatch(_ context.Context, batch *kindsv1.TuneBatchRequest) (*kindsv1.TuneBatchResponse, error) {
	items := each(batch.Alerts, t.one, func(err *kindsv1.ItemError) *kindsv1.Tuning { return &kindsv1.Tuning{Error: err} })
	return &kindsv1.TuneBatchResponse{Items: items}, nil
}

func (t *tuningRule) one(alert *kindsv1.Alert) (*kindsv1.Tuning, error) {
	event, err := object(alert.EventJson)
	if err != nil {
		return nil, err
	}
	applies, err := t.applies(event, alert)
	return &kindsv1.Tuning{Applies: applies}, err
}
