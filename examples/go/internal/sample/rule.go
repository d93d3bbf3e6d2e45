package sample

import (
	"context"

	"google.golang.org/grpc"

	"pluginmgr.dev/clients/go/kindsv1"
)

// Evaluate looks at one event; nil says that there is nothing to say.
type Evaluate func(event Object) (*kindsv1.Evaluation, error)

// ServeRule makes the program a rule. Call it last in main.
func ServeRule(metadata *kindsv1.RuleMetadata, evaluate Evaluate) {
	serve("rule", func(server *grpc.Server) {
		kindsv1.RegisterRuleServer(server, &rule{metadata: metadata, evaluate: evaluate})
	})
}

type rule struct {
	kindsv1.UnimplementedRuleServer
	metadata *kindsv1.RuleMetadata
	evaluate Evaluate
}

func (r *rule) Init(context.Context, *kindsv1.InitRequest) (*kindsv1.InitResponse, error) {
	return &kindsv1.InitResponse{}, nil
}

func (r *rule) Ping(context.Context, *kindsv1.PingRequest) (*kindsv1.PingResponse, error) {
	return &kindsv1.PingResponse{}, nil
}

func (r *rule) Shutdown(context.Context, *kindsv1.ShutdownRequest) (*kindsv1.ShutdownResponse, error) {
	return &kindsv1.ShutdownResponse{}, nil
}

func (r *rule) GetMetadata(context.Context, *kindsv1.GetMetadataRequest) (*kindsv1.RuleMetadata, error) {
	return r.metadata, nil
}

func (r *rule) EvaluateBatch(_ context.Context, batch *kindsv1.EvaluateBatchRequest) (*kindsv1.EvaluateBatchResponse, error) {
	items := each(batch.Events, r.one, func(err *kindsv1.ItemError) *kindsv1.Evaluation { return &kindsv1.Evaluation{Error: err} })
	return &kindsv1.EvaluateBatchResponse{Items: items}, nil
}

func (r *rule) one(event *kindsv1.Event) (*kindsv1.Evaluation, error) {
	found, err := object(event.Json)
	if err != nil {
		return nil, err
	}
	evaluation, err := r.evaluate(found)
	if evaluation == nil {
		evaluation = &kindsv1.Evaluation{}
	}
	return evaluation, err
}
