// The command-line trainer of LIBLINEAR, whose Python package has the library alone: reads a LIBSVM file, trains, writes the weights.
//   liblinear SOLVER C EPSILON BIAS_FREE(0|1) FILE OUT    the bias is one more feature of value 1, not penalised where BIAS_FREE is 1
// Prints the seconds of reading and training as JSON.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>
#include "linear.h"

static double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }
static void quiet(const char *) {}

int main(int argc, char **argv) {
	if (argc != 7) return 64;
	double begin = now();
	FILE *f = fopen(argv[5], "r");
	if (!f) { perror(argv[5]); return 1; }
	std::vector<double> y;
	std::vector<feature_node> nodes;
	std::vector<size_t> start;
	char *line = nullptr, *end;
	size_t room = 0;
	int features = 0;
	while (getline(&line, &room, f) > 0) {
		char *p = line;
		y.push_back(strtod(p, &end));
		start.push_back(nodes.size());
		for (p = end;;) {
			while (*p == ' ') p++;
			if (*p == '\n' || *p == 0) break;
			feature_node n;
			n.index = (int)strtol(p, &end, 10);
			n.value = strtod(end + 1, &end);
			p = end;
			if (n.index > features) features = n.index;
			nodes.push_back(n);
		}
		nodes.push_back({0, 1.0}); // the bias, whose index is known at the end
		nodes.push_back({-1, 0.0});
	}
	fclose(f);
	problem prob = {};
	prob.l = (int)y.size();
	prob.n = features + 1;
	prob.bias = 1;
	prob.y = y.data();
	std::vector<feature_node *> rows(y.size());
	for (size_t i = 0; i < y.size(); i++) {
		rows[i] = &nodes[start[i]];
		size_t last = (i + 1 < y.size() ? start[i + 1] : nodes.size()) - 2;
		nodes[last].index = features + 1;
	}
	prob.x = rows.data();
	double read = now();
	parameter p = {};
	p.solver_type = atoi(argv[1]);
	p.C = atof(argv[2]);
	p.eps = atof(argv[3]);
	p.nu = 0.5;
	p.p = 0.1;
	p.regularize_bias = atoi(argv[4]) ? 0 : 1;
	if (const char *wrong = check_parameter(&prob, &p)) { fprintf(stderr, "%s\n", wrong); return 1; }
	set_print_string_function(quiet);
	model *m = train(&prob, &p);
	double trained = now();
	double sign = m->label[0] > 0 ? 1 : -1;
	FILE *out = fopen(argv[6], "w");
	if (!out) { perror(argv[6]); return 1; }
	for (int j = 0; j <= features; j++) fprintf(out, "%.17g\n", sign * m->w[j]);
	fclose(out);
	printf("{\"read\": %.6f, \"fit\": %.6f}\n", read - begin, trained - read);
	return 0;
}
