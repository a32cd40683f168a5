{{/*
A pod of a process. Takes a dict: root, process (its name), kind (of service.kinds), command, resources, env, probes.
*/}}
{{- define "service.pod" -}}
{{- $values := .root.Values -}}
metadata:
  labels:
    {{- include "service.labels" .root | nindent 4 }}
    app.kubernetes.io/component: {{ .process }}
    {{- with $values.podLabels }}{{ toYaml . | nindent 4 }}{{ end }}
  {{- with $values.podAnnotations }}
  annotations: {{ toYaml . | nindent 4 }}
  {{- end }}
spec:
  {{- /* The migration runs before anything else of the release is there, an account too; it has no rights either way. */}}
  {{- if ne .process "migrate" }}
  serviceAccountName: {{ include "service.fullname" .root }}
  {{- end }}
  automountServiceAccountToken: false
  enableServiceLinks: false
  # The process has 25 seconds of its own; with Kafka away a consumer is ended hard, and loses nothing by it.
  terminationGracePeriodSeconds: 30
  {{- with $values.global.image.pullSecrets }}
  imagePullSecrets:
    {{- range . }}
    - name: {{ . }}
    {{- end }}
  {{- end }}
  {{- with $values.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  {{- with $values.nodeSelector }}
  nodeSelector: {{ toYaml . | nindent 4 }}
  {{- end }}
  {{- with $values.tolerations }}
  tolerations: {{ toYaml . | nindent 4 }}
  {{- end }}
  {{- if .probes }}
  topologySpreadConstraints:
    {{- $answering := ternary $values.spread.scaled $values.spread.answering (dig "autoscaling" "enabled" false (get $values.workloads .process)) }}
    {{- $machines := ternary $answering $values.spread.machines (not (empty .kind.ports)) }}
    {{- range $key, $when := dict "kubernetes.io/hostname" $machines "topology.kubernetes.io/zone" $values.spread.zones }}
    - maxSkew: 1
      topologyKey: {{ $key }}
      whenUnsatisfiable: {{ $when }}
      {{- /* A machine that takes nobody, being lost, emptied or the cluster's own, is none on which one is missing. */}}
      nodeTaintsPolicy: Honor
      labelSelector:
        matchLabels:
          {{- include "service.selector" $.root | nindent 10 }}
          app.kubernetes.io/component: {{ $.process }}
      matchLabelKeys: [pod-template-hash]
    {{- end }}
  {{- else }}
  restartPolicy: Never
  {{- end }}
  securityContext:
    runAsNonRoot: true
    runAsUser: 10001
    runAsGroup: 10001
    fsGroup: 10001
    seccompProfile: {type: RuntimeDefault}
  containers:
    - name: {{ .process }}
      image: {{ include "service.image" .root }}
      imagePullPolicy: {{ $values.global.image.pullPolicy }}
      command: [python, -m, {{ include "service.name" .root }}]
      args: {{ .command | toJson }}
      env: {{ include "service.environment" . | trim | nindent 8 }}
      {{- if .probes }}
      ports:
        {{- range $name, $port := .kind.ports }}
        - {name: {{ $name }}, containerPort: {{ $port }}}
        {{- end }}
        {{- if and .kind.ports.grpc $values.global.tls.clients.secret }}
        - {name: mutual, containerPort: {{ include "service.mutualPort" .root }}}
        {{- end }}
        - {name: admin, containerPort: {{ include "service.adminPort" .root }}}
      {{- include "service.probes" . | nindent 6 }}
      {{- end }}
      {{- /* What it writes is its log, and little in /tmp. */}}
      {{- $written := dict "requests" (dict "ephemeral-storage" "64Mi") "limits" (dict "ephemeral-storage" "256Mi") }}
      resources: {{ mergeOverwrite $written (deepCopy .resources) | toYaml | nindent 8 }}
      securityContext:
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        capabilities: {drop: [ALL]}
      volumeMounts:
        - {name: scratch, mountPath: /tmp}
        {{- range include "service.files" . | fromYamlArray }}
        - {name: {{ .name }}, mountPath: /etc/tartip/{{ .name }}, readOnly: true}
        {{- end }}
  volumes:
    - name: scratch
      emptyDir: {sizeLimit: 64Mi}
    {{- range include "service.files" . | fromYamlArray }}
    - name: {{ .name }}
      secret:
        secretName: {{ .secret }}
        defaultMode: 288 # 0440
        {{- with .items }}
        items: {{ toYaml . | nindent 10 }}
        {{- end }}
    {{- end }}
{{- end }}

{{/* Files out of Secrets that a process reads: authorities of those it reaches, and its own certificate. */}}
{{- define "service.files" -}}
{{- $global := .root.Values.global -}}
{{- range $name := .kind.reaches }}
{{- with (index $global $name).ca }}
{{- if .secret }}
- name: {{ $name }}
  secret: {{ .secret }}
  items: [{key: {{ .key }}, path: ca.crt}]
{{- end }}
{{- end }}
{{- end }}
{{- if and .probes $global.tls.suffix }}
- name: tls
  secret: tartip-{{ include "service.name" .root }}{{ $global.tls.suffix }}
{{- end }}
{{- if and .probes .kind.ports.grpc $global.tls.clients.secret }}
- name: clients
  secret: {{ $global.tls.clients.secret }}
  items: [{key: {{ $global.tls.clients.key }}, path: ca.crt}]
{{- end }}
{{- end }}

{{/*
A process that starts is asked whether it lives, a server over gRPC where its port is in clear: native gRPC probes speak no TLS. It is
ready from when everything that it needs was there first, so that an upgrade stops before it replaces those who work, until it is to
end: while its database is away "unavailable, with a reason" is a better answer than none, and to start it again brings back nothing.
*/}}
{{- define "service.probes" -}}
{{- $tls := .root.Values.global.tls.suffix -}}
{{- $scheme := ternary "HTTPS" "HTTP" (ne $tls "") -}}
{{- $lives := printf "httpGet: {path: /live, port: admin, scheme: %s}" $scheme -}}
{{- if and .kind.ports.grpc (not $tls) }}
{{- $lives = printf "grpc: {port: %v}" .kind.ports.grpc -}}
{{- end }}
startupProbe:
  {{ $lives }}
  periodSeconds: 2
  timeoutSeconds: 2
  failureThreshold: 60
livenessProbe:
  {{ $lives }}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
readinessProbe:
  httpGet: {path: /serving, port: admin, scheme: {{ $scheme }}}
  periodSeconds: 2
  timeoutSeconds: 2
  failureThreshold: 2
{{- end }}
