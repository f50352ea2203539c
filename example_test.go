package descent_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"strings"

	"github.com/descent-ml/descent"
)

// visits is a file that a reader may also get from a network or a database.
const visits = `age,plan,weekly,churned
31,basic,1,yes
45,basic,4,no
27,pro,2,no
52,basic,0,yes
38,pro,5,no
33,pro,1,yes
41,basic,3,no
29,basic,1,no
48,pro,0,no
36,basic,2,yes
`

// churn trains a model of it.
func churn() *descent.Model {
	result, err := descent.Fit(context.Background(), descent.Reader("visits.csv", strings.NewReader(visits)),
		descent.Config{Target: "churned", Penalty: descent.Penalty{L2: 1}})
	if err != nil {
		log.Fatal(err)
	}
	return result.Model
}

func ExampleModel_Predict() {
	type customer struct {
		Age    int    `descent:"age"`
		Plan   string `descent:"plan"`
		Weekly int    `descent:"weekly"`
	}
	p, err := churn().Predict(&customer{Age: 30, Plan: "basic", Weekly: 0})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s, P(churned = yes) = %.3f\n", p.Label, p.Probability)
	// Output:
	// yes, P(churned = yes) = 0.679
}

func ExampleModel_Rows() {
	rows, err := churn().Rows(context.Background(), "new.csv", strings.NewReader("plan,weekly,age,id\nbasic,0,30,a7\npro,6,41,b2\n"), descent.RowOptions{Keep: []string{"id"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	for {
		row, err := rows.Next()
		if err == io.EOF {
			return
		}
		if err != nil {
			fmt.Println(err) // file, line and column
			return
		}
		fmt.Printf("%s  %.3f\n", row.Kept[0], row.Probability)
	}
	// Output:
	// a7  0.679
	// b2  0.054
}

func ExampleModel_Evaluate() {
	e, err := churn().Evaluate(context.Background(), descent.Reader("visits.csv", strings.NewReader(visits)), descent.EvaluateOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%d rows, log loss %.3f, AUC %.3f\n", e.Metrics.Rows, e.Metrics.LogLoss, e.Metrics.AUC)
	// Output:
	// 10 rows, log loss 0.536, AUC 0.792
}

func ExampleLoad() {
	dir, err := os.MkdirTemp("", "descent")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "churn.json")
	if err := churn().Save(path); err != nil {
		fmt.Println(err)
		return
	}
	m, err := descent.Load(path) // replays the test vectors that the file carries
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(m.Target(), m.Classes(), m.Verdict())

	changed, err := os.ReadFile(path)
	if err != nil {
		log.Fatal(err)
	}
	_, err = descent.ReadModel("churn.json", bytes.NewReader(bytes.Replace(changed, []byte(`"basic"`), []byte(`"bazic"`), 1)))
	fmt.Println(err != nil)
	// Output:
	// churned [no yes] converged
	// true
}

func ExampleInspect() {
	in, err := descent.Inspect(context.Background(), descent.Reader("visits.csv", strings.NewReader(visits)), descent.Config{Target: "churned"})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, c := range in.Columns {
		fmt.Println(c.Name, c.Type, c.Missing)
	}
	// Output:
	// age numeric 0
	// plan levels 0
	// weekly numeric 0
	// churned levels 0
}

func ExampleFit_equations() {
	result, err := descent.Fit(context.Background(), descent.File("testdata/pima/pima.csv"), descent.Config{Target: "diabetes", Equations: `
		z = dot(w, x) + b
		a = sigmoid(z)
		t = 0.9*y + 0.05
		L = -(t*log(a) + (1-t)*log(1-a))`})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s, J = %.6f\n", result.Verdict, result.Cost)
	// Output:
	// converged, J = 0.520924
}
