package sample

import (
	"context"

	"google.golang.org/grpc"

	"pluginmgr.dev/clients/go/kindsv1"
)

// Enrich adds to the context of one alert.
type Enrich func(context Object, alert *kindsv1.Alert) error

// ServeEnrichment makes the program an enrichment. Call it last in main.
func ServeEnrichment(metadata *kindsv1.EnrichmentMetadata, enrich Enrich) {
	serve("enrichment", func(server *grpc.Server) {
		kindsv1.RegisterEnrichmentServer(server, &enrichment{metadata: metadata, enrich: enrich})
	})
}

type enrichment struct {
	kindsv1.UnimplementedEnrichmentServer
	metadata *kindsv1.EnrichmentMetadata
	enrich   Enrich
}

func (e *enrichment) Init(context.Context, *kindsv1.InitRequest) (*kindsv1.InitResponse, error) {
	return &kindsv1.InitResponse{}, nil
}

func (e *enrichment) Ping(context.Context, *kindsv1.PingRequest) (*kindsv1.PingResponse, error) {
	return &kindsv1.PingResponse{}, nil
}

func (e *enrichment) Shutdown(context.Context, *kindsv1.ShutdownRequest) (*kindsv1.ShutdownResponse, error) {
	return &kindsv1.ShutdownResponse{}, nil
}

func (e *enrichment) GetMetadata(context.Context, *kindsv1.GetMetadataRequest) (*kindsv1.EnrichmentMetadata, error) {
	return e.metadata, nil
}

func (e *enrichment) EnrichBatch(_ context.Context, batch *kindsv1.EnrichBatchRequest) (*kindsv1.EnrichBatchResponse, error) {
	items := each(batch.Alerts, e.one, func(err *kindsv1.ItemError) *kindsv1.Enriched { return &kindsv1.Enriched{Error: err} })
	return &kindsv1.EnrichBatchResponse{Items: items}, nil
}

func (e *enrichment) one(alert *kindsv1.Alert) (*kindsv1.Enriched, error) {
	found, err := object(alert.ContextJson)
	if err != nil {
		return nil, err
	}
	if err := e.enrich(found, alert); err != nil {
		return nil, err
	}
	return &kindsv1.Enriched{ContextJson: ContextJSON(found)}, nil
}
