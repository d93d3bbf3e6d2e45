"""HashiCorp go-plugin's gRPC protocol, host side, as a library of its own: knows nothing of this product or Kubernetes."""
