# PostgreSQL on a machine that costs next to nothing, and triaged beside it on Cloud Run. For small
# queues: no standby, a disk that is backed up by nobody but you, one instance of triaged.

locals {
  subnet = "10.20.0.0/24"
  # 50 connections: two workers of 2 x 2 + 2, jobs 8, the gateway 5, commands 2 each.
  max_connections = 50
  settings = {
    HOST                = "0.0.0.0"
    POSTGRES_HOST       = google_compute_instance.database.network_interface[0].network_ip
    POSTGRES_SSLMODE    = "require"
    DB_POOL_SIZE        = "2"
    ANALYSIS_MEMORY_MIB = "256"
    MAX_GIT_MEMORY_MIB  = "512"
    # Cloud Run kills 10 s after SIGTERM.
    SHUTDOWN_GRACE_MS = "5000"
  }
}

resource "google_project_service" "all" {
  for_each           = toset(["compute", "run", "secretmanager"])
  service            = "${each.key}.googleapis.com"
  disable_on_destroy = false
}

# Network: nothing from outside, but SSH through Google's proxy, which asks for a login.

resource "google_compute_network" "triaged" {
  name                    = "triaged"
  auto_create_subnetworks = false
  depends_on              = [google_project_service.all]
}

resource "google_compute_subnetwork" "triaged" {
  name          = "triaged"
  network       = google_compute_network.triaged.id
  ip_cidr_range = local.subnet
}

resource "google_compute_firewall" "database" {
  name          = "triaged-database"
  network       = google_compute_network.triaged.id
  source_ranges = [local.subnet]
  allow {
    protocol = "tcp"
    ports    = ["5432"]
  }
}

resource "google_compute_firewall" "ssh" {
  name          = "triaged-ssh"
  network       = google_compute_network.triaged.id
  source_ranges = ["35.235.240.0/20"]
  allow {
    protocol = "tcp"
    ports    = ["22"]
  }
}

# Secrets: made here, kept by Secret Manager, and in no state.

ephemeral "random_password" "secret" {
  for_each = local.secrets
  length   = 48
  special  = false
}

locals {
  secrets = toset(["triaged-postgres-password", "triaged-api-key"])
  readers = {
    "machine-password" = ["triaged-postgres-password", google_service_account.database.email]
    "service-password" = ["triaged-postgres-password", google_service_account.triaged.email]
    "service-key"      = ["triaged-api-key", google_service_account.triaged.email]
  }
}

resource "google_secret_manager_secret" "all" {
  for_each  = local.secrets
  secret_id = each.key
  replication {
    auto {}
  }
  depends_on = [google_project_service.all]
}

resource "google_secret_manager_secret_version" "all" {
  for_each               = local.secrets
  secret                 = google_secret_manager_secret.all[each.key].id
  secret_data_wo         = ephemeral.random_password.secret[each.key].result
  secret_data_wo_version = var.secrets_version
}

resource "google_service_account" "database" {
  account_id = "triaged-database"
}

resource "google_service_account" "triaged" {
  account_id = "triaged"
}

resource "google_secret_manager_secret_iam_member" "reader" {
  for_each  = local.readers
  secret_id = google_secret_manager_secret.all[each.value[0]].id
  role      = "roles/secretmanager.secretAccessor"
  member    = "serviceAccount:${each.value[1]}"
}

# The database. Debian 12 has PostgreSQL 15.

resource "google_compute_instance" "database" {
  name         = "triaged-database"
  machine_type = "e2-micro"
  boot_disk {
    auto_delete = false
    initialize_params {
      image = "debian-cloud/debian-12"
      size  = 30
      type  = "pd-standard"
    }
  }
  network_interface {
    subnetwork = google_compute_subnetwork.triaged.id
    # To fetch packages; the firewall lets nobody in by it.
    access_config {}
  }
  service_account {
    email  = google_service_account.database.email
    scopes = ["cloud-platform"]
  }
  shielded_instance_config {
    enable_secure_boot = true
  }
  metadata = {
    enable-oslogin = "TRUE"
  }
  # At each start; it makes nothing twice.
  metadata_startup_script = templatefile("${path.module}/startup.sh.tftpl", {
    script          = base64encode(file("${path.module}/../postgresql/setup-postgresql.sh"))
    network         = local.subnet
    max_connections = local.max_connections
    secret          = "triaged-postgres-password"
  })
  allow_stopping_for_update = true
  depends_on = [
    google_secret_manager_secret_version.all,
    google_secret_manager_secret_iam_member.reader,
  ]
}

# triaged, as supervisord.conf runs it: two workers, jobs and HTTP in one container that is always on.
# The schema comes first, and waits for the machine, which installs PostgreSQL at its first start.

resource "google_cloud_run_v2_service" "triaged" {
  name                = "triaged"
  location            = var.region
  deletion_protection = false
  template {
    service_account = google_service_account.triaged.email
    scaling {
      min_instance_count = 1
      max_instance_count = 1
    }
    vpc_access {
      egress = "PRIVATE_RANGES_ONLY"
      network_interfaces {
        subnetwork = google_compute_subnetwork.triaged.id
      }
    }
    containers {
      image   = var.image
      command = ["sh", "-c", "until triaged migrate; do [ $? -eq 75 ] || exit; sleep 5; done; exec supervisord -c supervisord.conf"]
      ports {
        container_port = 8080
      }
      resources {
        limits   = { cpu = "1", memory = "2Gi" }
        cpu_idle = false
      }
      startup_probe {
        period_seconds    = 10
        failure_threshold = 24
        http_get {
          path = "/health"
        }
      }
      liveness_probe {
        timeout_seconds = 5
        http_get {
          path = "/health"
        }
      }
      dynamic "env" {
        for_each = local.settings
        content {
          name  = env.key
          value = env.value
        }
      }
      env {
        name = "POSTGRES_PASSWORD"
        value_source {
          secret_key_ref {
            secret  = google_secret_manager_secret.all["triaged-postgres-password"].secret_id
            version = "latest"
          }
        }
      }
      env {
        name = "ORCHESTRATOR_API_KEY"
        value_source {
          secret_key_ref {
            secret  = google_secret_manager_secret.all["triaged-api-key"].secret_id
            version = "latest"
          }
        }
      }
    }
  }
  depends_on = [google_secret_manager_secret_iam_member.reader]
}

resource "google_cloud_run_v2_service_iam_member" "invoker" {
  for_each = var.invokers
  name     = google_cloud_run_v2_service.triaged.name
  location = var.region
  role     = "roles/run.invoker"
  member   = each.key
}
