output "url" {
  description = "Of the gateway. Each request but those for health needs the key."
  value       = google_cloud_run_v2_service.triaged.uri
}

output "next" {
  description = "How to get the key, and a shell on the machine of PostgreSQL."
  value = {
    key   = "gcloud secrets versions access latest --secret triaged-api-key"
    shell = "gcloud compute ssh ${google_compute_instance.database.name} --tunnel-through-iap"
  }
}
