{{/* The variables of a process. Secrets by reference alone; the service's own last, so that they win. */}}
{{- define "service.environment" -}}
{{- $values := .root.Values -}}
{{- $global := $values.global -}}
{{- if ne .process "migrate" }}
- name: TARTIP_DATABASE_URL
  valueFrom: {{ include "service.secret" (dict "root" .root "from" (index $values.secrets (printf "database%s" .kind.role)) "of" "-database") }}
{{- end }}
{{- if has .process (list "migrate" "once") }}
- name: TARTIP_MIGRATOR_DATABASE_URL
  valueFrom: {{ include "service.secret" (dict "root" .root "from" $values.secrets.databaseMigrator "of" "-database") }}
{{- end }}
{{- if has .process (list "serve" "once") }}
- name: TARTIP_PAGE_KEY
  valueFrom: {{ include "service.secret" (dict "root" .root "from" $values.secrets.pageKey) }}
{{- end }}
{{- $plain := dict }}
{{- if .probes }}
{{- $_ := set $plain "TARTIP_ADMIN_LISTEN" (printf "0.0.0.0:%s" (include "service.adminPort" .root)) }}
{{- end }}
{{- range $name, $port := .kind.ports }}
{{- $_ := set $plain (ternary "TARTIP_LISTEN" "TARTIP_GATEWAY_LISTEN" (eq $name "grpc")) (printf "0.0.0.0:%v" $port) }}
{{- end }}
{{- if .kind.ports }}
{{- $_ := set $plain "TARTIP_DRAIN_SECONDS" "5" }}
{{- end }}
{{- if and .probes $global.tls.suffix }}
{{- $_ := set $plain "TARTIP_TLS_CERTIFICATE" "/etc/tartip/tls/tls.crt" }}
{{- $_ := set $plain "TARTIP_TLS_KEY" "/etc/tartip/tls/tls.key" }}
{{- end }}
{{- if and .kind.ports.grpc $global.tls.clients.secret }}
{{- if not $global.tls.suffix }}{{ fail "global.tls.clients.secret is set and global.tls.suffix is not: who asks for a certificate shows one" }}{{ end }}
{{- $_ := set $plain "TARTIP_TLS_CLIENT_CA" "/etc/tartip/clients/ca.crt" }}
{{- $_ := set $plain "TARTIP_TLS_MUTUAL_LISTEN" (printf "0.0.0.0:%s" (include "service.mutualPort" .root)) }}
{{- end }}
{{- if has "issuer" .kind.reaches }}
{{- $_ := set $plain "TARTIP_ISSUER" (required "global.issuer.url is not set: the URL of the realm, https://sign-in.example.kz/realms/tartip" $global.issuer.url) }}
{{- if $global.issuer.ca.secret }}
{{- $_ := set $plain "TARTIP_ISSUER_CA" "/etc/tartip/issuer/ca.crt" }}
{{- end }}
{{- end }}
{{- if has "kafka" .kind.reaches }}
{{- $_ := set $plain "TARTIP_KAFKA" (required "global.kafka.bootstrap is not set: the brokers, host:port,host:port" $global.kafka.bootstrap) }}
{{- if $global.kafka.ca.secret }}
{{- $_ := set $plain "TARTIP_KAFKA_CA" "/etc/tartip/kafka/ca.crt" }}
{{- end }}
{{- if $global.kafka.user }}
{{- if not $global.kafka.ca.secret }}{{ fail "global.kafka.user is set and global.kafka.ca.secret is not: a password goes to Kafka over TLS alone" }}{{ end }}
{{- $_ := set $plain "TARTIP_KAFKA_USER" (ternary (include "service.name" .root) $global.kafka.user (eq $global.kafka.user "service")) }}
{{- $_ := set $plain "TARTIP_KAFKA_MECHANISM" $global.kafka.mechanism }}
- name: TARTIP_KAFKA_PASSWORD
  valueFrom: {{ include "service.secret" (dict "root" .root "from" $values.secrets.kafkaPassword "of" "-kafka") }}
{{- end }}
{{- end }}
{{- if and .probes $global.telemetry.traces }}
{{- $_ := set $plain "TARTIP_TRACES" $global.telemetry.traces }}
{{- $_ := set $plain "OTEL_TRACES_SAMPLER" "parentbased_traceidratio" }}
{{- $_ := set $plain "OTEL_TRACES_SAMPLER_ARG" (toString $global.telemetry.share) }}
{{- end }}
{{- $_ := set $plain "OTEL_RESOURCE_ATTRIBUTES" (printf "tartip.region=%s" $global.region) }}
{{- range $name, $value := mergeOverwrite $plain $values.env (.env | default dict) }}
{{- if regexMatch "(DATABASE_URL|PAGE_KEY|SENSITIVE_KEYS|PASSWORD|SECRET|HEADERS)$" $name }}{{ fail (printf "env.%s of %s %s would stand in clear in the cluster: put it into a Secret, and name that under secrets or secretEnv" $name (include "service.name" $.root) $.process) }}{{ end }}
{{- if and (regexMatch "^TARTIP_(LISTEN|ADMIN_LISTEN|GATEWAY_LISTEN|TLS_.*|KAFKA.*|ISSUER.*)$" $name) (or (hasKey $values.env $name) (hasKey ($.env | default dict) $name)) }}{{ fail (printf "env.%s of %s %s is what ports, probes and policies are made by: say it by the values under global" $name (include "service.name" $.root) $.process) }}{{ end }}
- {name: {{ $name }}, value: {{ $value | toString | quote }}}
{{- end }}
{{- if .kind.secret }}
{{- range $name, $from := $values.secretEnv }}
- name: {{ $name }}
  valueFrom: {{ include "service.secret" (dict "root" $.root "from" $from) }}
{{- end }}
{{- end }}
{{- end }}

{{/* A reference to a key of a Secret; takes a dict: root, from ({name, key}), of (what its name ends with where none is said). */}}
{{- define "service.secret" -}}
{secretKeyRef: {name: {{ include "service.secretName" . }}, key: {{ .from.key }}}}
{{- end }}

{{- define "service.secretName" -}}
{{ .from.name | default (printf "tartip-%s%s" (include "service.name" .root) (.of | default "")) }}
{{- end }}
